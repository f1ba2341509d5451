package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// BenchmarkSnapshot and BenchmarkLongPipe measure the released program without
// ffmpeg: CPU time and peak memory, as medians of all runs. Use -benchtime 20x.

// BenchmarkSnapshot takes the first keyframe of a 1080p transport stream.
func BenchmarkSnapshot(b *testing.B) {
	path, err := testmedia.Path("1080p.ts")
	if err != nil {
		b.Skip(err)
	}
	measure(b, func() io.Reader { return nil }, path)
}

// BenchmarkLongPipe takes the only keyframe of a transport stream on standard
// input, after 200 MB without one.
func BenchmarkLongPipe(b *testing.B) {
	path, err := testmedia.Path("1080p.ts")
	if err != nil {
		b.Skip(err)
	}
	keyframes, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	none := testmedia.WithoutKeyframes(keyframes)
	measure(b, func() io.Reader {
		return io.MultiReader(testmedia.Repeat(none, 200<<20), bytes.NewReader(keyframes))
	}, "-", "--max-bytes", "300000000")
}

func measure(b *testing.B, stdin func() io.Reader, args ...string) {
	dir := b.TempDir()
	exe, out := filepath.Join(dir, "kfgrab"), filepath.Join(dir, "out.264")
	if msg, err := exec.Command("go", "build", "-trimpath", "-o", exe, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, msg)
	}
	args = append(args, "--format", "annexb", "--timeout", "60s", "-o", out)
	var times []time.Duration
	var peaks []int64
	for b.Loop() {
		cmd := exec.Command(exe, args...)
		cmd.Stdin = stdin()
		if msg, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, msg)
		}
		p := cmd.ProcessState
		times = append(times, p.UserTime()+p.SystemTime())
		peaks = append(peaks, p.SysUsage().(*syscall.Rusage).Maxrss)
	}
	if info, err := os.Stat(out); err != nil || info.Size() < 10_000 {
		b.Fatal("no keyframe", err)
	}
	b.ReportMetric(float64(median(times).Microseconds())/1000, "cpu-ms")
	b.ReportMetric(float64(median(peaks))/1024, "peak-MiB")
}

func median[T int64 | time.Duration](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}
