package decode_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// BenchmarkPool compares a JPEG from a process of its own with one from a warm
// process: CPU time of the processes, including their start and end, and the
// caller's median wait. KFGRAB_FFMPEG chooses the ffmpeg.
func BenchmarkPool(b *testing.B) {
	for _, c := range []struct {
		name  string
		codec keyframe.Codec
	}{
		{"h264.264", keyframe.H264},
		{"1080p.264", keyframe.H264},
		{"h265.265", keyframe.H265},
		{"1080p.265", keyframe.H265},
		{"2160p.265", keyframe.H265},
	} {
		f := known(b, c.name, c.codec)[0]
		name := fmt.Sprintf("%s/%dp/", c.codec, f.Info.Height)
		b.Run(name+"alone", func(b *testing.B) {
			benchmark(b, f, new(decode.Decoder).Decode, func() {})
		})
		b.Run(name+"warm", func(b *testing.B) {
			pool := &decode.Pool{Size: 1}
			benchmark(b, f, pool.Decode, func() { pool.Close() })
		})
	}
}

func benchmark(b *testing.B, f *keyframe.Frame, do func(context.Context, io.Writer, *keyframe.Frame, decode.Output) error, end func()) {
	var waits []time.Duration
	cpu := childCPU()
	for b.Loop() {
		start := time.Now()
		if err := do(context.Background(), new(bytes.Buffer), f, decode.Output{}); err != nil {
			b.Fatal(err)
		}
		waits = append(waits, time.Since(start))
	}
	end()
	slices.Sort(waits)
	b.ReportMetric(float64(childCPU()-cpu)/1e6/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(waits[len(waits)/2])/1e6, "median-ms")
}

// BenchmarkPoolRate measures how many pictures per second a pool makes, by its
// size.
func BenchmarkPoolRate(b *testing.B) {
	for _, c := range []struct {
		name  string
		codec keyframe.Codec
	}{{"h264.264", keyframe.H264}, {"1080p.264", keyframe.H264}, {"1080p.265", keyframe.H265}} {
		f := known(b, c.name, c.codec)[0]
		for _, size := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%s/%dp/%d", c.codec, f.Info.Height, size), func(b *testing.B) {
				pool := decode.Pool{Size: size}
				defer pool.Close()
				b.SetParallelism(4)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if got := pooled(&pool, f, decode.Output{}); got.err != nil {
							b.Error(got.err)
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
			})
		}
	}
}

// BenchmarkPoolMixed runs TestPoolMixed at any length: -benchtime 1000x. It
// reports the memory of the largest process.
func BenchmarkPoolMixed(b *testing.B) {
	before := children(b)
	s := mixed(b, b.N)
	b.ReportMetric(float64(s.Warm)/float64(b.N), "warm/op")
	b.ReportMetric(childMiB(), "process-MiB")
	if n := children(b); n != before {
		b.Errorf("%d children, %d before", n, before)
	}
}
