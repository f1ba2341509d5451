package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Contestant is one way to get a picture.
type Contestant struct {
	Name string
	// Command has the words of its command line. MASTER, MEDIA, PICTURE, CERTIFICATE
	// and the names of our programs are replaced in each run.
	Command []string
	needs   []string // programs; without them it is left out
	again   bool     // only its second grab is measured
	direct  bool     // starts with the media playlist, which lowers its floor
	only    []string // cases that it takes part in; empty means all
	small   bool     // wants 320 pixels; takes part if there is a ladder
	kfgrab  bool     // is kfgrab
}

// The contestants that the reports name.
const (
	masterName  = "ffmpeg, master"
	tunedName   = "ffmpeg tuned"
	guessedName = "ffmpeg tuned, guessed range"
	coldName    = "kfgrab"
	directName  = "kfgrab, media playlist"
	againName   = "kfgrab, second grab"
	smallName   = "kfgrab --width 320"
)

// The words of a command that stand for a program of ours.
const (
	kfgrabWord = "kfgrab"
	benchWord  = "kfgrab-bench"
	go2rtcWord = "go2rtc"
)

func splitWords(s string) []string { return strings.Fields(s) }

func shellCommand(script string) []string { return []string{"sh", "-c", script} }

// encoding has the options with which every ffmpeg writes the picture.
const encoding = "-frames:v 1 -q:v 2 -y PICTURE"

// Contestants lists all contestants.
func Contestants() []Contestant {
	return []Contestant{
		{
			Name: masterName, needs: splitWords("ffmpeg"),
			Command: splitWords("ffmpeg -nostdin -v error -i MASTER " + encoding),
		},
		{
			Name: "ffmpeg, media playlist", needs: splitWords("ffmpeg"),
			Command: splitWords("ffmpeg -nostdin -v error -i MEDIA " + encoding),
		},
		{Name: tunedName, needs: splitWords("ffmpeg"), Command: splitWords(tunedCommand)},
		{Name: guessedName, needs: splitWords("ffmpeg"), Command: tildesToSpaces(splitWords(guessedCommand))},
		{
			Name: "streamlink, 300 kB, ffmpeg", needs: splitWords("streamlink ffmpeg"),
			Command: shellCommand("REQUESTS_CA_BUNDLE=CERTIFICATE streamlink --loglevel error --stdout hls://MASTER best | head -c 300000 | ffmpeg -v error -i - " + encoding),
		},
		{
			Name: "GStreamer hlsdemux", needs: splitWords("gst-launch-1.0"),
			Command: shellCommand(gstreamerScript),
		},
		{
			Name: "go2rtc", needs: splitWords("curl ffmpeg " + go2rtcWord),
			Command: shellCommand(go2rtcScript),
		},
		{Name: coldName, kfgrab: true, needs: splitWords(kfgrabWord), Command: splitWords("kfgrab --ca CERTIFICATE MASTER -o PICTURE")},
		{
			Name: directName, kfgrab: true, direct: true, only: []string{"ts", "fmp4"}, needs: splitWords(kfgrabWord),
			Command: splitWords("kfgrab --ca CERTIFICATE MEDIA -o PICTURE"),
		},
		{Name: againName, kfgrab: true, again: true, Command: splitWords("kfgrab-bench again --ca CERTIFICATE MASTER PICTURE")},
		{Name: smallName, kfgrab: true, small: true, needs: splitWords(kfgrabWord), Command: splitWords("kfgrab --ca CERTIFICATE MASTER --width 320 -o PICTURE")},
	}
}

// go2rtcScript runs the server for one picture. While it starts it does not answer, or
// does not know the path. Its HTTP interface is on the contestants' own loopback, which
// is not counted.
const go2rtcScript = `SSL_CERT_FILE=CERTIFICATE go2rtc -config '{"api":{"listen":"127.0.0.1:1984"},"rtsp":{"listen":""},"webrtc":{"listen":""},"log":{"level":"warn","output":"stderr"},"streams":{"live":"MEDIA"}}' & ` +
	`while code=$(curl -s -w '%{http_code}' -o PICTURE 'http://127.0.0.1:1984/api/frame.jpeg?src=live'); [ "$code" = 000 ] || [ "$code" = 404 ]; do kill -0 $! || exit; sleep 0.02; done; ` +
	`kill $!; wait $!; [ "$code" = 200 ]`

// gstreamerScript waits for a second picture, because the first is complete then:
// hlsdemux does not end when the elements after it do.
const gstreamerScript = `gst-launch-1.0 -q souphttpsrc ssl-strict=false location=MEDIA ! hlsdemux ! decodebin ! videoconvert ! jpegenc quality=95 ! multifilesink location=PICTURE.%d & ` +
	`while ! [ -e PICTURE.1 ]; do kill -0 $! || exit; sleep 0.02; done; kill $!; wait $!; mv PICTURE.0 PICTURE; rm PICTURE.*`

// String returns the command as one types it.
func (c *Contestant) String() string {
	if c.Command[0] == "sh" {
		return c.Command[2]
	}
	quoted := make([]string, len(c.Command))
	for i, word := range c.Command {
		if strings.ContainsAny(word, " '") {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		quoted[i] = word
	}
	return strings.Join(quoted, " ")
}

// missingProgram returns the first program that is not installed, or "".
func (c *Contestant) missingProgram(programs map[string]string) string {
	for _, name := range c.needs {
		if path, ours := programs[name]; ours && path != "" {
			continue
		}
		if _, err := exec.LookPath(name); err != nil {
			return name
		}
	}
	return ""
}

// fillCommand returns the command with values and programs filled in.
func (c *Contestant) fillCommand(values, programs map[string]string) []string {
	var pairs []string
	for word, value := range values {
		pairs = append(pairs, word, value)
	}
	replace := strings.NewReplacer(pairs...)
	argv := make([]string, len(c.Command))
	for i, word := range c.Command {
		argv[i] = replace.Replace(word)
	}

	if argv[0] == "sh" { // a shell finds the others in PATH
		argv[2] = strings.Replace(argv[2], go2rtcWord+" -", programs[go2rtcWord]+" -", 1)
	}
	if path := programs[argv[0]]; path != "" {
		argv[0] = path
	}
	return argv
}

// findGo2rtc returns the path at which testdata/tools/go2rtc.sh puts the program, or "".
func findGo2rtc() string {
	dir := os.Getenv("KFGRAB_TOOLS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(cache, "kfgrab-tools")
	}

	path := filepath.Join(dir, "go2rtc-v1.9.14", "go2rtc")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// tunedCommand is the cheapest of Tuning that gets a picture from every stream.
const tunedCommand = "ffmpeg -nostdin -v error -threads 1 -flags low_delay -live_start_index -1 -probesize 32768 -analyzeduration 0 -fpsprobesize 0 -i MEDIA -an " + encoding

// guessedCommand spends even less: it requests a quarter of a megabyte of everything. If
// that is too little for the keyframe and what the muxer put around it, ffmpeg repeats
// the request forever and brings no picture.
const guessedCommand = "ffmpeg -nostdin -v error -threads 1 -headers Range:~bytes=0-262143 -live_start_index -1 -probesize 32768 -analyzeduration 0 -i MEDIA -an " + encoding

// Tuning lists attempts to make ffmpeg spend less, to be measured like contestants.
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
			Name: "ffmpeg " + strings.ReplaceAll(input, "~", " "), needs: splitWords("ffmpeg"),
			Command: tildesToSpaces(splitWords("ffmpeg -nostdin -v error " + input + " -i MEDIA -an " + encoding)),
		})
	}
	return list
}

// tildesToSpaces replaces tildes, which stand for spaces inside a word.
func tildesToSpaces(list []string) []string {
	for i, w := range list {
		list[i] = strings.ReplaceAll(w, "~", " ")
	}
	return list
}
