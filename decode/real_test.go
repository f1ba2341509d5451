package decode_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestRealVersion(t *testing.T) {
	stream(t, "h264.264", keyframe.H264) // skips without ffmpeg
	v, err := new(decode.Decoder).Version(context.Background())
	if err != nil || v == "" || strings.ContainsAny(v, " \n") {
		t.Errorf("version %q, %v", v, err)
	}
}

// TestCapabilities proves that the ffmpeg of all other tests lacks nothing.
func TestCapabilities(t *testing.T) {
	stream(t, "h264.264", keyframe.H264)
	c, err := new(decode.Decoder).Capabilities(context.Background())
	if err != nil || len(c.Missing) > 0 || len(c.Decoders) != 3 || len(c.Encoders) != 4 || c.Version == "" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestNoChildren proves that good, damaged and cancelled pictures leave no
// process.
func TestNoChildren(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts the children in /proc")
	}
	f := stream(t, "h264.264", keyframe.H264)[0]
	cut := *f
	cut.Data = f.Data[:len(f.Data)/2]
	over, cancel := context.WithCancel(context.Background())
	cancel()
	before := children(t)
	for _, c := range []struct {
		ctx   context.Context
		frame *keyframe.Frame
		good  bool
	}{{context.Background(), f, true}, {context.Background(), &cut, false}, {over, f, false}} {
		err := new(decode.Decoder).Decode(c.ctx, new(bytes.Buffer), c.frame, decode.Output{})
		if (err == nil) != c.good {
			t.Errorf("error %v", err)
		}
	}
	j, err := new(decode.Decoder).Start(context.Background(), keyframe.H264, decode.Output{})
	if err != nil {
		t.Fatal(err)
	}
	if n := children(t); n != before+1 {
		t.Errorf("%d children while a job waits, %d before", n, before)
	}
	j.Cancel()
	if n := children(t); n != before {
		t.Errorf("%d children are left, %d before", n, before)
	}
}

// children counts this process's children, including zombies.
func children(tb testing.TB) (n int) {
	tb.Helper()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(b), ") ")
		var state string
		var parent int
		if k, _ := fmt.Sscanf(rest, "%s %d", &state, &parent); k == 2 && parent == os.Getpid() {
			n++
		}
	}
	return n
}

// TestWriter proves that Decode returns the writer's error if it cannot write
// the picture.
func TestWriter(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	err = new(decode.Decoder).Decode(context.Background(), full, stream(t, "h264.264", keyframe.H264)[0], decode.Output{})
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v", err)
	}
}

// FuzzDecode checks that any access unit gives an error or a picture of the
// requested size.
func FuzzDecode(f *testing.F) {
	frame := stream(f, "h264.264", keyframe.H264)[0]
	hevc := stream(f, "no-wpp.265", keyframe.H265)[0]
	for _, at := range []int{10, 40, 900, 5000} {
		f.Add(false, at, byte(1))
		f.Add(true, at, byte(0x80))
	}
	o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
	f.Fuzz(func(t *testing.T, h265 bool, at int, flip byte) {
		bad := *frame
		if h265 {
			bad = *hevc
		}
		bad.Data = bytes.Clone(bad.Data)
		for k := range 4 {
			i := uint(at+k*k*37) % uint(len(bad.Data))
			bad.Data[i] ^= flip
		}
		var w bytes.Buffer
		err := new(decode.Decoder).Decode(t.Context(), &w, &bad, o)
		if err == nil && w.Len() != 3*o.Width*o.Height || err != nil && w.Len() != 0 {
			t.Errorf("%d bytes and error %v", w.Len(), err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name    string
		codec   keyframe.Codec
		openEnd bool
	}{
		{"h264.264", keyframe.H264, false},
		{"1080p.264", keyframe.H264, false},
		{"1080p.265", keyframe.H265, false},
		{"1080p.265", keyframe.H265, true},
	} {
		f := stream(b, c.name, c.codec)[0]
		f.OpenEnd = c.openEnd
		b.Run(fmt.Sprintf("%s/%dp/open-end=%t", c.codec, f.Info.Height, c.openEnd), func(b *testing.B) {
			b.ReportAllocs()
			cpu := childCPU()
			for b.Loop() {
				if err := new(decode.Decoder).Decode(context.Background(), new(bytes.Buffer), f, decode.Output{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((childCPU()-cpu).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
