package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// deadline limits how long a test waits; nothing takes that long.
const deadline = 30 * time.Second

// command is the real program, in an empty directory of its own.
type command struct {
	*exec.Cmd
	t              *testing.T
	stdout, stderr bytes.Buffer
}

func newCommand(t *testing.T, args ...string) *command {
	t.Helper()
	c := &command{Cmd: exec.CommandContext(t.Context(), "kfgrab", args...), t: t}
	c.Dir = t.TempDir()
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	return c
}

// ends waits for the program to exit with that code. A failure prints one line
// and leaves the directory empty. The output does not contain the secret.
func (c *command) ends(code int) {
	c.t.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	stderr := c.stderr.String()
	if got := c.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("%q: exit code %d, want %d: %s", c.Args, got, code, stderr)
	}
	if strings.Contains(stderr+c.stdout.String(), secret) {
		c.t.Errorf("the secret was printed: %s", stderr)
	}
	if code == 0 {
		return
	}
	if !oneFailureLine(stderr) {
		c.t.Errorf("want one line on standard error: %q", stderr)
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		c.t.Errorf("left behind: %v, %v", left, err)
	}
}

func (c *command) run(code int) {
	c.t.Helper()
	c.start()
	c.ends(code)
}

func (c *command) start() {
	c.t.Helper()
	if err := c.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// hungFFmpeg is a decoder that hangs for ever, and so does its child.
type hungFFmpeg struct {
	path string
	pid  int
	fifo *os.File // both hold it open for writing
}

func newHungFFmpeg(t *testing.T) *hungFFmpeg {
	t.Helper()
	dir := t.TempDir()
	h := &hungFFmpeg{path: filepath.Join(dir, "ffmpeg")}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec 3>%s\necho $$ >&3\nsleep 60 &\nwait\n", fifo)
	if err := os.WriteFile(h.path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.fifo, err = os.OpenFile(fifo, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.fifo.Close() })
	return h
}

// awaitStart returns once the decoder runs.
func (h *hungFFmpeg) awaitStart(t *testing.T) {
	t.Helper()
	h.fifo.SetReadDeadline(time.Now().Add(deadline))
	line, err := bufio.NewReader(h.fifo).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if h.pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(h.fifo.Name(), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.fifo.Close()
	h.fifo = reader
}

// awaitEnd returns once the decoder and its child have ended.
func (h *hungFFmpeg) awaitEnd(t *testing.T) {
	t.Helper()
	h.fifo.SetReadDeadline(time.Now().Add(deadline))
	if _, err := h.fifo.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("ffmpeg was left behind: %v", err)
	}
}

func TestInterruptedWhileDecoding(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			media, decoder := testmedia.Make(t, "h264.ts"), newHungFFmpeg(t)
			c := newCommand(t, media, "-o", "picture.jpg", "--ffmpeg", decoder.path)
			c.start()
			decoder.awaitStart(t)
			c.Process.Signal(signal)
			c.ends(1)
			decoder.awaitEnd(t)
			if !strings.Contains(c.stderr.String(), signal.String()) {
				t.Errorf("it does not tell of the signal: %s", c.stderr.String())
			}
		})
	}
}

func TestDecoderOutOfTime(t *testing.T) {
	t.Parallel()
	media, decoder := testmedia.Make(t, "h264.ts"), newHungFFmpeg(t)
	c := newCommand(t, media, "-o", "picture.jpg", "--ffmpeg", decoder.path, "--timeout", "4s")
	c.start()
	decoder.awaitStart(t)
	c.ends(6)
	decoder.awaitEnd(t)
}

// TestDecoderOfAFailedGrab: a decoder ends if its keyframe never arrives whole.
func TestDecoderOfAFailedGrab(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(testmedia.Make(t, "h264.ts"))
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data[:5000])
		http.NewResponseController(w).Flush()
		<-started
	}))
	defer server.Close()
	decoder := newHungFFmpeg(t)
	c := newCommand(t, server.URL+"/a.ts", "-o", "picture.jpg", "--ffmpeg", decoder.path)
	c.start()
	decoder.awaitStart(t)
	close(started)
	c.ends(4)
	decoder.awaitEnd(t)
}

func TestInterruptedWhileFetching(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	c := newCommand(t, server.URL+"/a.m3u8", "-o", "picture.264")
	c.start()
	<-asked
	c.Process.Signal(os.Interrupt)
	c.ends(1)
}

// TestSilentStandardInput: a pipe that stays open and delivers nothing more
// ends the grab at its timeout.
func TestSilentStandardInput(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-", "-o", "picture.h264", "--timeout", "300ms"},
		{"probe", "-", "--timeout", "300ms"},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c := newCommand(t, args...)
		c.Stdin = r
		c.run(6)
		if got := c.stderr.String(); !strings.HasSuffix(got, "not done within 300ms (--timeout)\n") {
			t.Errorf("%s", got)
		}
		r.Close()
		w.Close()
	}
}

// TestInterruptedOnStandardInput writes more than the pipe holds. Once that is
// written, the program has read some of it and listens to signals.
func TestInterruptedOnStandardInput(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	c := newCommand(t, "-", "-o", "picture.h264")
	c.Stdin = r
	c.start()
	r.Close()
	null := append([]byte{0x47, 0x1f, 0xff, 0x10}, bytes.Repeat([]byte{0xff}, 184)...)
	if _, err := w.Write(bytes.Repeat(null, 1<<20/len(null))); err != nil {
		t.Fatal(err)
	}
	c.Process.Signal(syscall.SIGTERM)
	c.ends(1)
}

func TestStandardOutputFull(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--format", "annexb"}, {"--format", "json"}, {"probe"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		c := newCommand(t, append(args, testmedia.Make(t, "h264.ts"))...)
		c.Stdout = full
		c.run(1)
		if got := c.stderr.String(); got != "kfgrab: write standard output: no space left on device\n" {
			t.Errorf("%q: %s", args, got)
		}
		full.Close()
	}
}

// TestSecretsOfChildren: neither the arguments nor the environment of ffmpeg
// reveal the stream's secrets.
func TestSecretsOfChildren(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	media := testmedia.Make(t, "h264.ts")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, media)
	}))
	defer server.Close()
	decoder := newHungFFmpeg(t)
	c := newCommand(
		t, strings.Replace(server.URL, "://", "://user:"+secret+"@", 1)+"/a.ts?token="+secret,
		"-o", "picture.jpg", "--header", "X-Key: "+secret, "--ffmpeg", decoder.path,
	)
	c.Env = append(os.Environ(), "no_proxy="+secret, "KEY="+secret)
	c.start()
	decoder.awaitStart(t)
	seen := 0
	for _, pid := range groupOf(t, decoder.pid) {
		for _, name := range []string{"cmdline", "environ"} {
			data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err != nil {
				t.Error(err)
			}
			if bytes.Contains(data, []byte(secret)) || bytes.Contains(data, []byte(server.Listener.Addr().String())) {
				t.Errorf("%s of a child tells of the stream: %q", name, data)
			}
		}
		seen++
	}
	if seen == 0 {
		t.Error("no child was seen")
	}
	c.Process.Signal(os.Interrupt)
	c.ends(1)
	decoder.awaitEnd(t)
}

// groupOf lists the processes of a process group (proc(5)).
func groupOf(t *testing.T, group int) (pids []int) {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range entries {
		stat, _ := os.ReadFile(name) // it has ended
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 2 && fields[2] == strconv.Itoa(group) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(testmedia.Make(t, "h264.ts"))
	if err != nil {
		t.Fatal(err)
	}
	addr := freeUDP(t)
	newCommand(t, "udp://"+addr, "-o", "picture.h264", "--timeout", "300ms").run(6)

	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := newCommand(t, "udp://"+addr, "-o", "picture.h264")
	c.start()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.ends(0)
	}()
	const datagram = 7 * packetSize
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for n := 0; ; n = (n + datagram) % len(data) {
		select {
		case <-ended:
			return
		case <-pace.C:
			conn.Write(data[n:min(n+datagram, len(data))]) // refused until the program listens
		}
	}
}

func freeUDP(t *testing.T) string {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.LocalAddr().String()
}

// TestTerminal: if standard output is a terminal, the picture goes to a file
// and its path is printed; --show draws it.
func TestTerminal(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip("script(1) is not installed")
	}
	if out, err := exec.CommandContext(t.Context(), "script", "-qec", "true", "/dev/null").CombinedOutput(); err != nil {
		t.Skipf("no terminal can be made here: %s", out)
	}
	media := testmedia.Make(t, "h264.ts")
	terminal := func(line string) (stdout, dir string) {
		c := exec.CommandContext(t.Context(), "script", "-qec", line, "/dev/null")
		c.Dir = t.TempDir()
		c.Env = append(os.Environ(), "TERM=dumb")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v, %q", line, err, out)
		}
		return string(out), c.Dir
	}
	out, dir := terminal("kfgrab " + media)
	name := strings.TrimSpace(out)
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if size, err := describePicture(string(data), "jpeg"); err != nil || size != "640x360" {
		t.Errorf("%s %v", size, err)
	}
	if !strings.HasPrefix(name, "h264-20") || !strings.HasSuffix(name, "Z.jpg") {
		t.Errorf("name %q", name)
	}
	out, _ = terminal("kfgrab --show -o a.png " + media)
	if lines := strings.Count(out, "▀\x1b[0m\r\n"); lines < 20 || lines > 24 {
		t.Errorf("%d lines of blocks in %d bytes", lines, len(out))
	}
}
