package bench

// tunedCommand is the cheapest of those of Tuning, and others, that were tried.
const tunedCommand = "ffmpeg -nostdin -v error -live_start_index -1 -probesize 32768 -analyzeduration 0 -i MEDIA -an " + encoding

// Tuning lists what was tried to make ffmpeg spend less: each is measured as a
// contestant is.
func Tuning() []Contestant {
	var list []Contestant
	for _, input := range []string{
		"-live_start_index -1",
		"-live_start_index -1 -analyzeduration 0",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0",
		"-live_start_index -1 -probesize 32 -analyzeduration 0",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -fpsprobesize 0",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -fflags nobuffer -flags low_delay",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -skip_frame nokey",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -threads 1",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -http_persistent 0",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -http_multiple 0",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -http_multiple 0 -threads 1 -skip_frame nokey",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -http_multiple 0 -http_persistent 0 -threads 1",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -seg_max_retry 0 -http_seekable 0",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -http_seekable 1",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -recv_buffer_size 16384",
		"-live_start_index -1 -probesize 32768 -analyzeduration 0 -blocksize 4096",
	} {
		list = append(list, Contestant{
			Name: "ffmpeg " + input, needs: words("ffmpeg"),
			Command: words("ffmpeg -nostdin -v error " + input + " -i MEDIA -an " + encoding),
		})
	}
	return list
}
