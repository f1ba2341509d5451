package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/origin"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	dir := filepath.Join(t.TempDir(), "new", "pictures")
	var stdout strings.Builder
	if err := runDemo(t.Context(), &streams{out: &stdout}, dir, origin.Small()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	want := []struct{ file, size, whole string }{
		{"hls-ts.jpg", "640x360", " kB"},
		{"hls-fmp4.jpg", "640x360", " kB"},
		{"hls-320.jpg", "320x180", " kB"},
		{"rtsp-h264.jpg", "427x240", " -"},
		{"rtsp-h265.jpg", "427x240", " -"},
	}
	if len(lines) != 2+len(want) {
		t.Fatal(stdout.String())
	}
	for i, w := range want {
		data, err := os.ReadFile(filepath.Join(dir, w.file))
		if err != nil {
			t.Fatal(err)
		}
		if size, err := describePicture(string(data), "jpeg"); err != nil || size != w.size {
			t.Errorf("%s: %s, %v", w.file, size, err)
		}
		if line := lines[2+i]; !strings.Contains(line, w.size) || !strings.Contains(line, w.whole) || !strings.HasSuffix(line, w.file) {
			t.Errorf("%s", line)
		}
	}
}

func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "pictures")
	if err := runDemo(ctx, &streams{out: &strings.Builder{}}, dir, origin.Small()); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
