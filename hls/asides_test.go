package hls

import (
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestImagesOf: the cheapest list whose tiles are large enough is chosen.
func TestImagesOf(t *testing.T) {
	p, err := Parse([]byte(`#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS="avc1.64"
0
#EXT-X-MEDIA:TYPE=IMAGE,GROUP-ID="i",NAME="n",URI="nobody"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=20000,RESOLUTION=320x180,CODECS="jpeg",URI="a"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=9000,RESOLUTION=160x90,CODECS="jpeg",URI="b"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=8000,RESOLUTION=160x90,URI="c"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=7000,RESOLUTION=640x360,CODECS="png",URI="d"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=6000,CODECS="jpeg",URI="e"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=5000,RESOLUTION=640x360,CODECS="jpeg"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=4000,RESOLUTION=640x360,CODECS="jpeg",PATHWAY-ID="elsewhere",URI="g"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=90000,RESOLUTION=400x400,CODECS="jpeg",URI="h"
#EXT-X-IMAGE-STREAM-INF
#EXT-X-STREAM-INF:BANDWIDTH=5000000,PATHWAY-ID="elsewhere"
1
#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID="cameras",NAME="main",DEFAULT=YES,URI="main"
#EXT-X-STREAM-INF:BANDWIDTH=5000000,VIDEO="cameras"
2
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		variant int
		options PickOptions
		want    string
	}{
		{0, PickOptions{Width: 160}, "c"},
		{0, PickOptions{Height: 1}, "c"},
		{0, PickOptions{Width: 161}, "a"},
		{0, PickOptions{Height: 91}, "a"},
		{0, PickOptions{Width: 320, Height: 200}, "h"},
		{0, PickOptions{Width: 401}, ""},
		{0, PickOptions{Width: 320, MaxBandwidth: 19_999}, ""},
		{0, PickOptions{Width: 10, MaxBandwidth: 8500}, "c"},
		{1, PickOptions{Width: 160}, "g"}, // of the variant's pathway
		{1, PickOptions{Width: 160, MaxBandwidth: 3999}, ""},
		{1, PickOptions{Width: 320, Height: 361}, "h"}, // of any pathway
		{2, PickOptions{Width: 160}, ""},               // of another camera, maybe
	} {
		got := ""
		if v := p.Master.PickImages(&p.Master.Variants[tt.variant], tt.options); v != nil {
			got = v.URI.Text
			if !p.Master.IsImages(v) {
				t.Errorf("%+v: %s is not among the images", tt.options, got)
			}
		}
		if got != tt.want {
			t.Errorf("variant %d, %+v: %q, want %q", tt.variant, tt.options, got, tt.want)
		}
	}
	if p.Master.IsImages(&p.Master.Variants[0]) {
		t.Error("the variant is among the images")
	}
}

func TestCheaperThanKeyframe(t *testing.T) {
	for _, tt := range []struct {
		name              string
		images, rendition int
		length            time.Duration
		want              bool
	}{
		{"few tiles", 9000, 800_000, 6 * time.Second, true},
		{"as much as half a second", 100_000, 1_000_000, 5 * time.Second, true},
		{"more", 100_001, 1_000_000, 5 * time.Second, false},
		{"a hundred tiles", 6600, 800_000, 100 * time.Second, false},
		{"an unknown rendition", 6600, 0, 100 * time.Second, true},
		{"unknown images", 0, 800_000, 100 * time.Second, true},
	} {
		v, r := &Variant{Bandwidth: tt.images}, &Variant{Bandwidth: tt.rendition}
		if got := v.CheaperThanKeyframe(r, tt.length); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestIFramesOf: an I-frame playlist replaces a variant only if it has what was
// requested.
func TestIFramesOf(t *testing.T) {
	p, err := Parse([]byte(`#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS="avc1.64"
0
#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720,CODECS="avc1.64"
1
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS="hvc1.1"
2
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=500000,RESOLUTION=1920x1080,CODECS="avc1.64",URI="a"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,RESOLUTION=640x360,CODECS="hvc1.1",URI="b"
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		options PickOptions
		want    string // variant and I-frame playlist
	}{
		{"best", PickOptions{}, "0 a"},
		{"a width", PickOptions{Width: 600}, "2 b"},
		{"a width of one codec", PickOptions{Width: 600, Codec: keyframe.H264}, "1 a"},
		{"a larger picture will do", PickOptions{Width: 1000}, "1 a"},
		{"but not for a height that was named", PickOptions{Rendition: selector("720p")}, "1 -"},
		{"nor for an index", PickOptions{Rendition: selector("1")}, "1 -"},
		{"a height that is there", PickOptions{Rendition: selector("1080p"), Width: 100}, "0 a"},
		{"worst", PickOptions{Rendition: selector("worst"), Width: 1920}, "2 b"},
		{"a bandwidth", PickOptions{MaxBandwidth: 3_000_000}, "1 a"},
		{"a bandwidth below the list's", PickOptions{MaxBandwidth: 400_000, Width: 1000}, "2 -"},
	} {
		c, err := p.Master.Pick(tt.options)
		if err != nil {
			t.Fatal(err)
		}
		got := c.Variant.URI.Text + " -"
		if f := p.Master.PickIFrames(c.Variant, tt.options); f != nil {
			got = c.Variant.URI.Text + " " + f.URI.Text
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
