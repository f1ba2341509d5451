package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
	_ "golang.org/x/image/webp"

	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestMain(m *testing.M) {
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // otherwise each command takes a second more
	}
	testscript.Main(leakChecked{m}, map[string]func(){"kfgrab": main})
}

// leakChecked fails if a goroutine is left after all tests have passed.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// secret is the password, token and header value of all tests. It must never be
// printed.
const secret = "s3cret"

// TestScript runs testdata/script. Scripts have the commands below in addition
// to those of testscript. $PROXY is user, password, host and port of a proxy,
// as in a URL, $WEB an HTTP server of the script (see
// web_test.go), $MUTE accepts connections and never answers, and $HLS_TS,
// $HLS_FMP4, $RTSP_H264 and $RTSP_H265 are live streams.
func TestScript(t *testing.T) {
	live := startOrigin(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			w, err := newWeb(env.WorkDir)
			if err != nil {
				return err
			}
			env.Defer(w.close)
			proxy, err := testserver.StartProxy("me:" + secret)
			if err != nil {
				return err
			}
			env.Defer(proxy.Close)
			env.Values[proxyKey{}] = proxy
			env.Values[webKey{}] = w
			env.Vars = append(
				env.Vars, "GORACE="+os.Getenv("GORACE"), "SECRET="+secret, "PROXY="+strings.TrimPrefix(proxy.URL("").String(), "//"), "WEB="+w.url, "HOST="+strings.TrimPrefix(w.url, "http://"), "MUTE="+w.mute.Addr().String(),
				"HLS_TS="+live.HLS(origin.TS), "HLS_FMP4="+live.HLS(origin.FMP4),
				"RTSP_H264="+live.RTSP(keyframe.H264), "RTSP_H265="+live.RTSP(keyframe.H265),
				"RTSP_HTTP="+strings.Replace(live.RTSP(keyframe.H264), "rtsp:", "rtsp+http:", 1),
				"RTSP_WS="+strings.Replace(live.RTSP(keyframe.H264), "rtsp:", "rtsp+ws:", 1),
				"WEB_TUNNEL="+strings.Replace(w.url, "http:", "rtsp+http:", 1),
			)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    cmdExits,
			"media":    cmdMedia,
			"picture":  cmdPicture,
			"json":     cmdJSON,
			"help":     cmdHelp,
			"damage":   cmdDamage,
			"requests": cmdRequests,
			"proxied":  cmdProxied,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func startOrigin(t *testing.T) *origin.Origin {
	t.Helper()
	needFFmpeg(t)
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func needFFmpeg(t *testing.T) {
	t.Helper()
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed: make deps", name)
		}
	}
}

// cmdExits is "exits CODE COMMAND…". Whatever the code, the output does not
// contain the secret. A failure prints one line and leaves all files as they
// were.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENTS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	before := filesBelow(ts, ts.Getenv("WORK"))
	got, err := 0, ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	default:
		ts.Check(err)
	}
	stderr := ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if strings.Contains(stderr+ts.ReadFile("stdout"), secret) {
		ts.Fatalf("the secret was printed")
	}
	if want == 0 {
		return
	}
	if !oneFailureLine(stderr) && !strings.Contains(strings.Join(args, " "), " -v") {
		ts.Fatalf("want one line on standard error")
	}
	if after := filesBelow(ts, ts.Getenv("WORK")); !maps.Equal(before, after) {
		ts.Fatalf("files were %v, are %v", before, after)
	}
}

var failureLine = regexp.MustCompile(`^(?:kfgrab: [[:print:]…]{10,500}|\{"error":"[[:print:]…]{10,500}"exit":\d\})\n$`)

func oneFailureLine(stderr string) bool { return failureLine.MatchString(stderr) }

// filesBelow describes each file's state in one line.
func filesBelow(ts *testscript.TestScript, root string) map[string]string {
	files := map[string]string{}
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
		}
		return err
	}))
	return files
}

// cmdMedia is "media NAME…": it puts the test streams of those names into the
// working directory, or the whole directory of a stream of several files.
func cmdMedia(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path, err := testmedia.Path(name)
		ts.Check(err)
		if strings.HasSuffix(path, ".m3u8") || strings.Contains(path, "%") {
			path = filepath.Dir(path)
		}
		ts.Check(os.Symlink(path, ts.MkAbs(name)))
	}
}

// cmdPicture is "picture FILE FORMAT WIDTHxHEIGHT": FILE, or "stdout", is one
// whole picture of that format and size.
func cmdPicture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: picture FILE FORMAT WIDTHxHEIGHT")
	}
	got, err := describePicture(ts.ReadFile(args[0]), args[1])
	ts.Check(err)
	if got != args[2] {
		ts.Fatalf("%s is of size %s, want %s", args[0], got, args[2])
	}
}

func describePicture(data, format string) (size string, err error) {
	var width, height int
	switch format {
	case "jpeg", "png", "webp":
		var img image.Image
		var name string
		if img, name, err = image.Decode(strings.NewReader(data)); err != nil {
			return "", err
		}
		if name != format {
			return "", fmt.Errorf("it is %s", name)
		}
		width, height = img.Bounds().Dx(), img.Bounds().Dy()
	case "rgb24": // its size is what the test expects
		width, height = len(data), 1
	default:
		return probeVideo(data, format)
	}
	return fmt.Sprintf("%dx%d", width, height), nil
}

// probeVideo has ffprobe decode a file that should be one picture of the codec.
func probeVideo(data, codec string) (size string, err error) {
	dir, err := os.MkdirTemp("", "kfgrab-test-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "video")
	if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
		return "", err
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-of", "default=nk=1:nw=1",
		"-show_entries", "stream=codec_name,width,height,nb_read_frames", file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ffprobe: %s", out)
	}
	fields := strings.Fields(string(out))
	if len(fields) != 4 || fields[0] != codec || fields[3] != "1" {
		return "", fmt.Errorf("ffprobe finds %q, want one picture of %s", fields, codec)
	}
	return fields[1] + "x" + fields[2], nil
}

// cmdJSON is "json FILE NAME=PATTERN…": FILE, or "stderr", is one JSON object
// whose fields match the whole patterns. An absent field is empty. A dot leads into an
// object, as in output.width.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: json FILE NAME=PATTERN…")
	}
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile(args[0]))))
	d.UseNumber()
	ts.Check(d.Decode(&fields))
	if d.More() {
		ts.Fatalf("there is more than one document")
	}
	for _, arg := range args[1:] {
		name, pattern, _ := strings.Cut(arg, "=")
		text := describeField(fields, name)
		if !regexp.MustCompile("^(?:" + pattern + ")$").MatchString(text) {
			ts.Fatalf("%s is %q, want %s", name, text, pattern)
		}
	}
}

func describeField(fields map[string]any, name string) string {
	if object, inner, found := strings.Cut(name, "."); found {
		fields, _ = fields[object].(map[string]any)
		return describeField(fields, inner)
	}
	v, ok := fields[name]
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

// cmdHelp is "help [COMMAND]": the command has help, and no line is too wide.
func cmdHelp(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("kfgrab", append(args, "--help")...))
	help := ts.ReadFile("stdout")
	if len(strings.Split(help, "\n")) < 5 {
		ts.Fatalf("there is no help")
	}
	for line := range strings.Lines(help) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}
