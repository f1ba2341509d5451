package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestSessionEvery: pictures arrive until the program is stopped, and the last
// one is whole.
func TestSessionEvery(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const clip = 2 * 3 * 64 * 36
	c := newCommand(t, "session", live.RTSP(keyframe.H264), "--frames", "2", "--rate", "25", "--size", "64x36", "--every", "100ms")
	c.Stdout = w
	c.start()
	w.Close()
	clips := make([]byte, 3*clip)
	if _, err := io.ReadFull(r, clips); err != nil {
		t.Fatal(err, c.stderr.String())
	}
	c.Process.Signal(syscall.SIGTERM)
	rest, err := io.ReadAll(r)
	if err != nil || len(rest)%clip != 0 {
		t.Errorf("%d bytes behind, %v", len(rest), err)
	}
	c.ends(0)
	if bytes.Equal(clips[:clip], clips[2*clip:]) || c.stderr.Len() > 0 {
		t.Errorf("the third clip is the first, or: %s", c.stderr.String())
	}
}

// TestSessionLost: a lost stream is reported, and the session waits for it.
func TestSessionLost(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	live, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	lost := sync.OnceFunc(live.Close)
	defer lost()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := newCommand(t, "session", live.RTSP(keyframe.H264), "--size", "64x36", "--every", "50ms", "-o", "now.rgb", "--json")
	c.Stderr = w
	c.start()
	w.Close()
	lines := bufio.NewScanner(r)
	if !lines.Scan() || lines.Text()[0] != '{' {
		t.Fatalf("%q", lines.Text())
	}
	lost()
	for lines.Scan() && strings.HasPrefix(lines.Text(), `{"url":`) {
	}
	if line := lines.Text(); !strings.HasPrefix(line, `{"error":"no picture since 20`) || !strings.Contains(line, live.RTSP(keyframe.H264)) {
		t.Errorf("%q", line)
	}
	c.Process.Signal(syscall.SIGTERM)
	for lines.Scan() {
	}
	c.ends(0)
}

// TestSessionEveryFile: a newer picture replaces the file.
func TestSessionEveryFile(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	c := newCommand(t, "session", live.RTSP(keyframe.H264), "--size", "64x36", "--every", "50ms", "-o", "now.rgb", "--json")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c.Stderr = w
	c.start()
	w.Close()
	line := make([]byte, 1)
	for n := 0; n < 3; { // one per report
		if _, err := r.Read(line); err != nil {
			t.Fatal(err)
		}
		if line[0] == '\n' {
			n++
		}
	}
	c.Process.Signal(os.Interrupt)
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
	c.ends(0)
	files, err := os.ReadDir(c.Dir)
	if err != nil || len(files) != 1 || files[0].Name() != "now.rgb" {
		t.Fatalf("%v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Size() != 3*64*36 {
		t.Errorf("%v, %v", info, err)
	}
}
