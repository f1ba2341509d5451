package main

import (
	"math"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

var bandwidths = []struct {
	text string
	want bandwidth // 0 for an error
	back string    // what String makes of it
}{
	{"2.5M", 2_500_000, "2.5M"},
	{"800k", 800_000, "800k"},
	{"800K", 800_000, "800k"},
	{"800000", 800_000, "800k"},
	{"1", 1, "1"},
	{".5k", 500, "500"},
	{"1.2G", 1_200_000_000, "1200M"},
	{"0.0004k", 0, ""},
	{"0", 0, ""},
	{"-1", 0, ""},
	{"", 0, ""},
	{"k", 0, ""},
	{"1e3", 0, ""},
	{"0x10", 0, ""},
	{"NaN", 0, ""},
	{"Inf", 0, ""},
	{"1.2.3", 0, ""},
	{"2.5 M", 0, ""},
	{"2.5Mbit", 0, ""},
	{"99999999999999999999G", 0, ""},
}

func TestBandwidth(t *testing.T) {
	for _, tt := range bandwidths {
		var got bandwidth
		err := got.Set(tt.text)
		if (err == nil) != (tt.want != 0) || got != tt.want || got.String() != tt.back {
			t.Errorf("%q: %d (%s), %v, want %d (%s)", tt.text, got, got.String(), err, tt.want, tt.back)
		}
	}
}

// FuzzBandwidth: what is taken is taken again as it is printed.
func FuzzBandwidth(f *testing.F) {
	for _, tt := range bandwidths {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got, again bandwidth
		if got.Set(text) != nil {
			return
		}
		if got < 1 || float64(got) > math.MaxInt64/2 {
			t.Errorf("%q: %d", text, got)
		}
		if err := again.Set(got.String()); err != nil || again != got {
			t.Errorf("%q: %d, printed %s, read %d, %v", text, got, got.String(), again, err)
		}
	})
}

func TestCodecFlag(t *testing.T) {
	for text, want := range map[string]keyframe.Codec{
		"h264": keyframe.H264, "AVC": keyframe.H264, "h265": keyframe.H265, "hevc": keyframe.H265,
		"": keyframe.UnknownCodec, "av1": keyframe.UnknownCodec, "unknown": keyframe.UnknownCodec,
	} {
		var got codec
		if err := got.Set(text); keyframe.Codec(got) != want || (err == nil) != (want != keyframe.UnknownCodec) {
			t.Errorf("%q: %v, %v, want %v", text, keyframe.Codec(got), err, want)
		}
	}
}
