package bench

import "strings"

// tunedCommand is the cheapest of those of Tuning that bring the picture of every
// stream.
const tunedCommand = "ffmpeg -nostdin -v error -threads 1 -flags low_delay -live_start_index -1 -probesize 32768 -analyzeduration 0 -fpsprobesize 0 -i MEDIA -an " + encoding

// guessedCommand spends less still, by asking for a quarter of a megabyte of
// everything. Where the guess is too small for the keyframe and what the muxer put
// before and behind it, ffmpeg asks again and again and brings no picture.
const guessedCommand = "ffmpeg -nostdin -v error -threads 1 -headers Range:~bytes=0-262143 -live_start_index -1 -probesize 32768 -analyzeduration 0 -i MEDIA -an " + encoding

// Tuning lists what was tried to make ffmpeg spend less: each is measured as a
// contestant is.
func Tuning() []Contestant {
	var list []Contestant
	const base = "-live_start_index -1 -probesize 32768 -analyzeduration 0"
	for _, input := range []string{
		"-live_start_index -1",
		"-live_start_index -1 -analyzeduration 0",
		base,
		"-live_start_index -1 -probesize 4096 -analyzeduration 0",
		"-live_start_index -1 -probesize 131072 -analyzeduration 0",
		base + " -fpsprobesize 0",
		base + " -fflags nobuffer -flags low_delay",
		base + " -skip_frame nokey",
		base + " -threads 1",
		base + " -threads 1 -skip_frame nokey",
		base + " -threads 1 -flags low_delay -fpsprobesize 0",
		base + " -http_persistent 0",
		base + " -http_multiple 0",
		base + " -http_multiple 0 -threads 1",
		base + " -http_seekable 0",
		base + " -http_seekable 1",
		base + " -headers Range:~bytes=0-131071",
		base + " -headers Range:~bytes=0-262143",
		base + " -threads 1 -headers Range:~bytes=0-262143",
	} {
		list = append(list, Contestant{
			Name: "ffmpeg " + strings.ReplaceAll(input, "~", " "), needs: words("ffmpeg"),
			Command: spaced(words("ffmpeg -nostdin -v error " + input + " -i MEDIA -an " + encoding)),
		})
	}
	return list
}

// spaced makes spaces of tildes, for words with spaces in them.
func spaced(list []string) []string {
	for i, w := range list {
		list[i] = strings.ReplaceAll(w, "~", " ")
	}
	return list
}
