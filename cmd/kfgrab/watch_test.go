package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// watching is kfgrab watch with its log, line by line.
type watching struct {
	*command
	lines chan map[string]any
	seen  []map[string]any
}

// startWatch runs kfgrab watch in dir; "" means a new directory.
func startWatch(t *testing.T, dir string, args ...string) *watching {
	t.Helper()
	w := newWatch(t, dir, args...)
	w.begin()
	return w
}

func newWatch(t *testing.T, dir string, args ...string) *watching {
	t.Helper()
	w := &watching{command: newCommand(t, append([]string{"watch", "--log-format", "json"}, args...)...), lines: make(chan map[string]any, 10_000)}
	if dir != "" {
		w.Dir = dir
	}
	return w
}

func (w *watching) begin() {
	w.t.Helper()
	r, out, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.Stderr = out
	w.start()
	out.Close()
	go func() {
		defer close(w.lines)
		defer r.Close()
		for lines := bufio.NewScanner(r); lines.Scan(); {
			line := map[string]any{}
			if json.Unmarshal(lines.Bytes(), &line) != nil {
				line["text"] = lines.Text()
			}
			if strings.Contains(lines.Text(), secret) {
				line["text"] = "the secret was printed"
			}
			w.lines <- line
		}
	}()
	w.t.Cleanup(func() {
		w.Process.Kill() //nolint:errcheck // it may have ended
		w.Wait()         //nolint:errcheck // it may have been waited for
		for line := range w.lines {
			w.see(line)
		}
	})
}

func (w *watching) see(line map[string]any) {
	w.seen = append(w.seen, line)
	if line["text"] != nil {
		w.t.Errorf("%v", line["text"])
	}
}

// await returns the next log line that has these values. pairs are names and
// values; a value matches if the line's value contains it.
func (w *watching) await(pairs ...string) map[string]any {
	w.t.Helper()
	end := time.After(deadline)
	for {
		select {
		case line, open := <-w.lines:
			if !open {
				w.t.Fatalf("the program has ended before %q: %v", pairs, w.seen)
			}
			w.see(line)
			has := true
			for i := 0; i < len(pairs); i += 2 {
				has = has && strings.Contains(fmt.Sprint(line[pairs[i]]), pairs[i+1])
			}
			if has {
				return line
			}
		case <-end:
			w.t.Fatalf("no line with %q in %v", pairs, w.seen)
		}
	}
}

// stop ends the program as a supervisor does.
func (w *watching) stop() {
	w.t.Helper()
	w.Process.Signal(syscall.SIGTERM)
	for line := range w.lines {
		w.see(line)
	}
	if err := w.Wait(); err != nil {
		w.t.Errorf("%v: %v", err, w.seen)
	}
}

func (w *watching) file(path string) string { return filepath.Join(w.Dir, path) }

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// undecoded is for tests in which pictures do not matter.
var undecoded = []string{"--format", "annexb", "--every", "1s", "--dir", "shots"}

// TestWatchReload: the configuration is read again when it changes and on
// SIGHUP. If it is broken, the old one stays.
func TestWatchReload(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "cams.yaml")
	config := func(names ...string) string {
		text := "defaults:\n  every: 1s\n  format: annexb\n  sinks: [shots]\nstreams:\n"
		for _, name := range names {
			text += fmt.Sprintf("  - name: %s\n    url: %s?token=${TOKEN}\n", name, live.HLS(origin.TS))
		}
		return text
	}
	writeFile(t, path, config("one"))
	w := newWatch(t, dir, "--config", "cams.yaml")
	w.Env = append(os.Environ(), "TOKEN="+secret)
	w.begin()
	w.await("name", "one", "outcome", "ok")
	// Editors write a new file and rename it.
	writeFile(t, path+"~", config("one", "two"))
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
	w.await("msg", "added", "name", "two")
	w.await("name", "two", "outcome", "ok")
	w.await("name", "one", "outcome", "ok")

	writeFile(t, path, config("one", "two")+"    evry: 5m\n")
	line := w.await("level", "ERROR")
	if text := fmt.Sprint(line["error"]); !strings.Contains(text, "cams.yaml:") || !strings.Contains(text, "every") {
		t.Errorf("no place and no hint: %s", text)
	}
	w.await("name", "two", "outcome", "ok")
	w.await("name", "one", "outcome", "ok")

	writeFile(t, path, config("two"))
	w.Process.Signal(syscall.SIGHUP)
	w.await("msg", "removed", "name", "one")
	w.await("name", "two", "outcome", "ok")
	w.stop()
}

// TestWatchHangupAtStart: SIGHUP during the first read of the configuration
// causes a second read.
func TestWatchHangupAtStart(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf("streams:\n  - {name: cam, url: %s, every: 1s, format: annexb, sinks: [shots]}\n", testmedia.Make(t, "h264.ts"))
	dir := t.TempDir()
	path := filepath.Join(dir, "cams.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	w := startWatch(t, dir, "--config", "cams.yaml")
	fifo, err := os.OpenFile(path, os.O_WRONLY, 0) // the program has begun to read
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	writeFile(t, path+"~", text)
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
	w.Process.Signal(syscall.SIGHUP)
	if _, err := io.WriteString(fifo, text); err != nil {
		t.Fatal(err)
	}
	fifo.Close()
	w.await("msg", "configuration read")
	w.await("msg", "grab")
	w.stop()
}

// TestWatchReloadUnderWay: if a stream's directory changes during a grab, the
// picture goes to the old one.
func TestWatchReloadUnderWay(t *testing.T) {
	t.Parallel()
	reached, let := make(chan struct{}, 100), make(chan struct{})
	files := http.FileServer(http.Dir(filepath.Dir(testmedia.Make(t, "hls-ts"))))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-let
		files.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	letAll := sync.OnceFunc(func() { close(let) })
	t.Cleanup(letAll)
	dir := t.TempDir()
	path := filepath.Join(dir, "cams.yaml")
	config := func(sink string) string {
		return fmt.Sprintf("streams:\n  - name: cam\n    url: %s/index.m3u8\n    every: 1s\n    format: annexb\n    sinks: [%s]\n", server.URL, sink)
	}
	writeFile(t, path, config("shots"))
	w := startWatch(t, dir, "--config", "cams.yaml", "--state", "state", "--repeat")
	<-reached
	writeFile(t, path, config("others"))
	w.await("msg", "configuration read")
	letAll()
	if line := w.await("outcome", "ok"); !strings.HasPrefix(fmt.Sprint(line["file"]), "shots/") {
		t.Errorf("%v", line)
	}
	if line := w.await("outcome", "ok"); !strings.HasPrefix(fmt.Sprint(line["file"]), "others/") {
		t.Errorf("%v", line)
	}
	w.stop()
}

// TestWatchTwo: two programs do not write to one directory; the second one
// reports that and stops.
func TestWatchTwo(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	w := startWatch(t, "", append(undecoded, "cam="+live.HLS(origin.TS))...)
	w.await("outcome", "ok")
	second := newCommand(t, append([]string{"watch", "cam=" + live.HLS(origin.FMP4)}, undecoded...)...)
	second.Dir = w.Dir
	err := second.Run()
	if text := second.stderr.String(); err == nil || !strings.Contains(text, "shots is in use") || !strings.Contains(text, fmt.Sprint("process ", w.Process.Pid)) {
		t.Errorf("%v: %s", err, text)
	}
	w.await("outcome", "ok")
	w.stop()
}

// TestWatchKilled: killed at any moment, the program leaves nothing broken for
// the next start, and no two pictures of one time.
func TestWatchKilled(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	dir := t.TempDir()
	args := []string{"--every", "1s", "--dir", "shots", "--width", "64"}
	for i := range 8 {
		args = append(args, fmt.Sprintf("cam%d=%s", i, live.HLS([]origin.Kind{origin.TS, origin.FMP4}[i%2])))
	}
	for range 4 {
		w := startWatch(t, dir, args...)
		w.await("outcome", "ok")
		w.await("outcome", "ok")
		w.Process.Kill()
		w.Wait() //nolint:errcheck // it was killed
	}
	w := startWatch(t, dir, args...)
	for range 8 {
		w.await("msg", "grab")
	}
	w.stop()
	pictures := 0
	err := filepath.WalkDir(filepath.Join(dir, "shots"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, ".kfgrab"+string(filepath.Separator)) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		pictures++
		if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil || filepath.Ext(path) != ".jpg" {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || pictures < 8 {
		t.Errorf("%d pictures, %v", pictures, err)
	}
}

// TestWatchDirectoryRemoved: a deleted directory is made again.
func TestWatchDirectoryRemoved(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	w := startWatch(t, "", append(undecoded, "cam="+live.HLS(origin.TS))...)
	w.await("outcome", "ok")
	for os.RemoveAll(w.file("shots")) != nil {
	}
	file := fmt.Sprint(w.await("outcome", "ok")["file"])
	if _, err := os.Stat(w.file(file)); err != nil {
		file = fmt.Sprint(w.await("outcome", "ok")["file"]) // the first grab was under way
		if _, err := os.Stat(w.file(file)); err != nil {
			t.Error(err)
		}
	}
	w.stop()
	if _, err := os.Stat(w.file("shots/.kfgrab/watch.state")); err != nil {
		t.Error(err)
	}
}

// TestWatchDiskFull: a full disk is reported, and pictures resume once there is
// room.
func TestWatchDiskFull(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	dir := t.TempDir()
	shots := filepath.Join(dir, "shots")
	if err := os.Mkdir(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=300k", "kfgrab-test", shots).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %s", out)
	}
	defer exec.Command("umount", "-l", shots).Run() //nolint:errcheck // it is a test's
	w := startWatch(t, dir, append(undecoded, "cam="+live.HLS(origin.TS))...)
	w.await("outcome", "ok")
	filler, err := os.Create(filepath.Join(shots, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	filler.Close()
	w.await("outcome", "other", "error", "no space left on device")
	w.await("outcome", "other", "error", "no space left on device")
	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	w.await("outcome", "ok")
	w.stop()
}

// TestWatchS3Refuses: an object store that refuses is reported, and pictures
// resume once it accepts.
func TestWatchS3Refuses(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	backend := s3mem.New()
	if err := backend.CreateBucket("shots"); err != nil {
		t.Fatal(err)
	}
	store := gofakes3.New(backend).Server()
	var refuses atomic.Bool
	refuses.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if refuses.Load() {
			rw.WriteHeader(http.StatusForbidden)
			io.WriteString(rw, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
			return
		}
		store.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w := newWatch(t, "", "cam="+live.HLS(origin.TS), "--format", "annexb", "--every", "1s", "--to", "s3://shots/a?path-style=true&endpoint="+server.URL)
	w.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY="+secret)
	w.begin()
	w.await("msg", "grab", "error", "status 403")
	refuses.Store(false)
	if line := w.await("outcome", "ok"); !strings.HasPrefix(fmt.Sprint(line["file"]), "s3://shots/a/cam/") {
		t.Errorf("%v", line)
	}
	w.stop()
}

// TestWatchTerminated: SIGTERM ends all work within the grace period, decoders
// included.
func TestWatchTerminated(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mute.Close() })
	decoder := newHungFFmpeg(t)
	w := startWatch(
		t, "", "--every", "1s", "--dir", "shots", "--grace", "100ms", "--timeout", "1h", "--ffmpeg", decoder.path,
		"hung=rtsp://user:"+secret+"@"+mute.Addr().String()+"/live", "cam="+live.HLS(origin.TS),
	)
	decoder.awaitStart(t)
	w.stop()
	decoder.awaitEnd(t)
	abandoned := 0
	for _, line := range w.seen {
		if line["outcome"] == "abandoned" {
			abandoned++
		}
	}
	if abandoned != 2 {
		t.Errorf("%d were abandoned: %v", abandoned, w.seen)
	}
	if left, err := filepath.Glob(w.file("shots/[a-z]*/*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestWatchRestart: after a restart, a stream is not captured before it is due.
func TestWatchRestart(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	dir := t.TempDir()
	args := append(slices.Clone(undecoded), "--every", "366d", "cam="+live.HLS(origin.TS))
	w := startWatch(t, dir, args...)
	w.await("outcome", "ok")
	w.stop()
	w = startWatch(t, dir, append(args, "other="+live.HLS(origin.TS))...)
	w.await("name", "other", "outcome", "ok")
	w.stop()
	if shots, err := filepath.Glob(filepath.Join(dir, "shots/cam/20*/*")); err != nil || len(shots) != 1 {
		t.Errorf("%v, %v", shots, err)
	}
}

// TestWatchTable: a terminal shows a table without log lines; they go to the
// log file.
func TestWatchTable(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	if out, err := exec.CommandContext(t.Context(), "script", "-qec", "true", "/dev/null").CombinedOutput(); err != nil {
		t.Skipf("no terminal can be made here: %s", out)
	}
	dir := t.TempDir()
	c := exec.CommandContext(t.Context(), "script", "-qec", "kfgrab watch front=$URL gone=$URL/x --every 1s --format annexb --dir shots --log-file watch.log", "/dev/null")
	c.Dir, c.Env = dir, append(os.Environ(), "TERM=dumb", "URL="+live.HLS(origin.TS))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()         //nolint:errcheck // it is killed
	defer c.Process.Kill() //nolint:errcheck // it may have ended
	screen := bufio.NewScanner(out)
	want := []string{"NAME", "front", "ok, ", "gone", "network: ", "2 streams, "}
	for screen.Scan() && len(want) > 0 {
		if strings.Contains(screen.Text(), want[0]) {
			want = want[1:]
		}
		if strings.Contains(screen.Text(), "level=") {
			t.Errorf("a line of the log: %s", screen.Text())
		}
	}
	if len(want) > 0 {
		t.Errorf("nothing shows %q", want)
	}
	log, err := os.ReadFile(filepath.Join(dir, "watch.log"))
	if err != nil || !strings.Contains(string(log), "name=front outcome=ok") {
		t.Errorf("%s, %v", log, err)
	}
}

// TestWatchWebhook: a webhook gets a signed message for each picture, and the
// secret is never shown.
func TestWatchWebhook(t *testing.T) {
	t.Parallel()
	type message struct {
		body   []byte
		header http.Header
	}
	told := make(chan message, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- message{body, r.Header}
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "cams.yaml"), fmt.Sprintf(
		"streams:\n  - name: cam\n    url: %s\n    format: annexb\n    every: 1s\n    sinks: [shots, {webhook: '%s/${HOOK}', secret: '${HOOK}'}]\n",
		testmedia.Make(t, "h264.ts"), server.URL))
	w := newWatch(t, dir, "--config", "cams.yaml")
	w.Env = append(os.Environ(), "HOOK="+secret)
	w.begin()
	w.await("name", "cam", "outcome", "ok")
	select {
	case m := <-told:
		verifier, err := standardwebhooks.NewWebhookRaw([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(m.body, m.header); err != nil || !strings.Contains(string(m.body), `"stream":"cam"`) {
			t.Errorf("%v: %s", err, m.body)
		}
	case <-time.After(deadline):
		t.Fatal("nobody is told")
	}
	w.stop()
}

// TestWatchUnread: the program ends although nobody reads the tar stream.
func TestWatchUnread(t *testing.T) {
	t.Parallel()
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := newWatch(t, "", "cam="+testmedia.Make(t, "h264.ts"), "--every", "1s", "--format", "rgb24", "--to", "-", "--grace", "100ms")
	w.Stdout = out
	w.begin()
	out.Close()
	if _, err := r.Read(make([]byte, 1)); err != nil { // the program writes
		t.Fatal(err)
	}
	w.stop()
}

// noTrailer is standard output on a disk that fills up before the end of the
// archive.
type noTrailer struct{ written int }

func (n *noTrailer) Write(p []byte) (int, error) {
	if len(bytes.Trim(p, "\x00")) == 0 {
		return 0, syscall.ENOSPC
	}
	n.written += len(p)
	return len(p), nil
}

// TestWatchOnceCutOff: with --once, an archive that is cut off is a failure.
func TestWatchOnceCutOff(t *testing.T) {
	t.Parallel()
	var out noTrailer
	var stderr bytes.Buffer
	args := []string{"watch", "cam=" + testmedia.Make(t, "h264.ts"), "--once", "--format", "annexb", "--to", "-"}
	code := run(t.Context(), args, strings.NewReader(""), &out, &stderr)
	if code == 0 || out.written == 0 || !strings.Contains(stderr.String(), "kfgrab: tar stream: no space left on device") {
		t.Errorf("exit code %d, %d bytes, %s", code, out.written, stderr.String())
	}
}

// TestWatchLogRotated: a full log file is renamed, and a new one begins.
func TestWatchLogRotated(t *testing.T) {
	t.Parallel()
	c := newCommand(t, "watch", "cam="+testmedia.Make(t, "h264.ts"), "--once", "--format", "annexb", "--dir", "shots", "--log-file", "a.log", "--log-size", "1M", "--log-files", "1")
	full := strings.Repeat("x", 1<<20)
	writeFile(t, filepath.Join(c.Dir, "a.log"), full)
	c.run(0)
	log, err := os.ReadFile(filepath.Join(c.Dir, "a.log"))
	if err != nil || !strings.Contains(string(log), "name=cam outcome=ok") || strings.Contains(string(log), "x"+"x") {
		t.Errorf("%.200s, %v", log, err)
	}
	if old, err := filepath.Glob(filepath.Join(c.Dir, "a-*.log")); err != nil || len(old) != 1 {
		t.Errorf("%v, %v", old, err)
	}
}
