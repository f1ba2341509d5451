package hls

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// ladder makes a master of lines "width height kbit/s attributes". The URI is
// the line's number.
func ladder(tb testing.TB, lines ...string) *Master {
	tb.Helper()
	playlist := "#EXTM3U\n"
	for i, line := range lines {
		var w, h, kbits int
		var more string
		if _, err := fmt.Sscan(line, &w, &h, &kbits); err != nil {
			tb.Fatal(err)
		}
		if fields := strings.SplitN(line, " ", 4); len(fields) == 4 {
			more = "," + fields[3]
		}
		if w > 0 {
			more += fmt.Sprintf(",RESOLUTION=%dx%d", w, h)
		}
		if kbits > 0 {
			more += fmt.Sprintf(",BANDWIDTH=%d000", kbits)
		}
		playlist += fmt.Sprintf("#EXT-X-STREAM-INF:PROGRAM-ID=1%s\n%d\n", more, i)
	}
	p, err := Parse([]byte(playlist), nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if p.Master == nil {
		return &Master{}
	}
	return p.Master
}

var pickTests = []struct {
	name    string
	ladder  []string
	options PickOptions
	want    string // URI, reason, alternates
}{
	{"best", []string{"640 360 800", "1920 1080 5000", "1280 720 2500"}, PickOptions{}, "1 1080p at 5.0 Mbit/s: the best 2 0"},
	{"best of equal pictures", []string{"1280 720 2500", "1280 720 3500", "1280 720 3500 CODECS=\"avc1.64\""}, PickOptions{}, "1 720p at 3.5 Mbit/s: the best 2 0"},
	{"cheapest for a width", []string{"1920 1080 5000", "1280 720 2500", "640 360 800"}, PickOptions{Width: 641}, "1 720p at 2.5 Mbit/s: the cheapest that serves width 641 0 2"},
	{"exactly the width", []string{"1920 1080 5000", "640 360 800"}, PickOptions{Width: 640}, "1 360p at 800 kbit/s: the cheapest that serves width 640 0"},
	{"height", []string{"1920 1080 5000", "640 360 800"}, PickOptions{Height: 400}, "0 1080p at 5.0 Mbit/s: the cheapest that serves height 400 1"},
	{"both, upright picture", []string{"360 640 800", "640 360 900", "1280 720 2500"}, PickOptions{Width: 640, Height: 480}, "2 720p at 2.5 Mbit/s: the cheapest that serves 640x480 1 0"},
	{"larger but cheaper", []string{"1280 720 2500", "1920 1080 2200 CODECS=\"hvc1.1\""}, PickOptions{Width: 640}, "1 1080p at 2.2 Mbit/s: the cheapest that serves width 640 0"},
	{"of equal cost the smaller", []string{"1920 1080 2500", "1280 720 2500"}, PickOptions{Width: 640}, "1 720p at 2.5 Mbit/s: the cheapest that serves width 640 0"},
	{"unknown cost is dear", []string{"640 360 0", "1920 1080 5000"}, PickOptions{Width: 640}, "1 1080p at 5.0 Mbit/s: the cheapest that serves width 640 0"},
	{"none serves", []string{"640 360 800", "960 540 1500"}, PickOptions{Width: 1920}, "1 540p at 1.5 Mbit/s: the largest, as none serves width 1920 0"},
	{"a stated size before a guess", []string{"0 0 9000", "640 360 800"}, PickOptions{Width: 640}, "1 360p at 800 kbit/s: the cheapest that serves width 640 0"},
	{"no size stated", []string{"0 0 400", "0 0 1200", "0 0 5000"}, PickOptions{Width: 640}, "1 variant 1 at 1.2 Mbit/s: the cheapest that should serve width 640, as no size is stated 2 0"},
	{"no size stated, by height", []string{"0 0 400", "0 0 1200", "0 0 5000"}, PickOptions{Height: 720}, "2 variant 2 at 5.0 Mbit/s: the cheapest that should serve height 720, as no size is stated 1 0"},
	{"no size stated, a width past all bounds", []string{"0 0 400", "0 0 1200"}, PickOptions{Width: 1 << 40}, "1 variant 1 at 1.2 Mbit/s: the best, as no size is stated 0"},
	{"no size stated or asked", []string{"0 0 400", "0 0 1200"}, PickOptions{}, "1 variant 1 at 1.2 Mbit/s: the best 0"},
	{"nothing stated", []string{"0 0 0", "0 0 0"}, PickOptions{}, "0 variant 0: the best 1"},
	{"bandwidth", []string{"640 360 800", "1920 1080 5000", "1280 720 2500"}, PickOptions{MaxBandwidth: 3_000_000}, "2 720p at 2.5 Mbit/s: the best 0"},
	{"bandwidth below all", []string{"1920 1080 5000", "640 360 800"}, PickOptions{MaxBandwidth: 100_000}, "1 360p at 800 kbit/s: the cheapest, as none is within 100 kbit/s"},
	{"audio only", []string{"0 0 9000 CODECS=\"mp4a.40.2\"", "0 0 64 CODECS=\"mp4a.40.5,wvtt\"", "640 360 800"}, PickOptions{}, "2 360p at 800 kbit/s: the best"},
	{"audio codec, but a size", []string{"640 360 800 CODECS=\"mp4a.40.2\""}, PickOptions{}, "0 360p at 800 kbit/s: the best"},
	{"unsupported codecs left out", []string{"1280 720 900 CODECS=\"av01.0.05M.08\"", "1280 720 1000 CODECS=\"vp09.00.40.08,mp4a.40.2\"", "640 360 800 CODECS=\"mp4a.40.2, avc1.64001e\""}, PickOptions{}, "2 360p at 800 kbit/s: the best"},
	{"Dolby Vision with and without a base", []string{"3840 2160 9000 CODECS=\"dvh1.05.06\"", "1920 1080 5000 CODECS=\"dvh1.08.03\""}, PickOptions{}, "1 1080p at 5.0 Mbit/s: the best"},
	{"SDR before HDR", []string{"3840 2160 20000 VIDEO-RANGE=PQ", "1920 1080 6000 VIDEO-RANGE=HLG", "640 360 800 VIDEO-RANGE=SDR"}, PickOptions{}, "2 360p at 800 kbit/s: the best"},
	{"HLG before PQ", []string{"3840 2160 20000 VIDEO-RANGE=PQ", "1920 1080 6000 VIDEO-RANGE=HLG"}, PickOptions{}, "1 1080p at 6.0 Mbit/s: the best 0"},
	{"PQ alone", []string{"3840 2160 20000 VIDEO-RANGE=PQ"}, PickOptions{}, "0 2160p at 20.0 Mbit/s: the best"},
	{"dynamic range not mixed", []string{"1920 1080 5000", "1920 1080 6000 VIDEO-RANGE=PQ"}, PickOptions{}, "0 1080p at 5.0 Mbit/s: the best"},
	{"one pathway", []string{"640 360 800 PATHWAY-ID=\"a\"", "1280 720 2500 PATHWAY-ID=\"b\"", "640 360 800 PATHWAY-ID=\"b\""}, PickOptions{}, "0 360p at 800 kbit/s: the best 2"},
	{"redundant", []string{"640 360 800", "640 360 800", "640 360 900", "640 360 800"}, PickOptions{MaxBandwidth: 850_000}, "0 360p at 800 kbit/s: the best 1 3"},
	{"redundant, then of that size", []string{"640 360 800", "640 360 900", "640 360 800", "1280 720 2500"}, PickOptions{Width: 640}, "0 360p at 800 kbit/s: the cheapest that serves width 640 2 1"},
	{"redundant of another pathway first", []string{"640 360 800 PATHWAY-ID=\"a\"", "640 360 800 PATHWAY-ID=\"a\"", "640 360 800 PATHWAY-ID=\"b\""}, PickOptions{}, "0 360p at 800 kbit/s: the best 2 1"},
	{"of that size elsewhere", []string{"640 360 800 PATHWAY-ID=\"a\"", "320 180 300 PATHWAY-ID=\"b\"", "640 360 850 PATHWAY-ID=\"b\""}, PickOptions{}, "0 360p at 800 kbit/s: the best 2"},
	{"another size, elsewhere first", []string{"640 360 800 PATHWAY-ID=\"a\"", "480 270 500 PATHWAY-ID=\"a\"", "320 180 300 PATHWAY-ID=\"b\""}, PickOptions{}, "0 360p at 800 kbit/s: the best 2 1"},
	{"named best, whatever the size", []string{"640 360 800", "1920 1080 5000"}, PickOptions{Rendition: selector("best"), Width: 320}, "1 1080p at 5.0 Mbit/s: the best 0"},
	{"best within a bandwidth", []string{"640 360 800", "1920 1080 5000"}, PickOptions{Rendition: selector("best"), MaxBandwidth: 1_000_000}, "0 360p at 800 kbit/s: the best"},
	{"worst", []string{"1920 1080 5000", "640 360 700", "0 0 100", "640 360 600", "0 0 64 CODECS=\"mp4a.40.2\""}, PickOptions{Rendition: selector("worst")}, "3 360p at 600 kbit/s: the worst 1"},
	{"worst, no size stated", []string{"0 0 1200", "0 0 400"}, PickOptions{Rendition: selector("worst")}, "1 variant 1 at 400 kbit/s: the worst 0"},
	{"height", []string{"1920 1080 5000", "1280 720 2500", "1280 720 3500", "1280 720 3500 VIDEO-RANGE=PQ"}, PickOptions{Rendition: selector("720p")}, "2 720p at 3.5 Mbit/s: the best of 720p 1"},
	{"height within a bandwidth", []string{"1280 720 2500", "1280 720 3500", "640 360 800"}, PickOptions{Rendition: selector("720p"), MaxBandwidth: 3_000_000}, "0 720p at 2.5 Mbit/s: the best of 720p"},
	{"height beyond the bandwidth", []string{"1280 720 2500", "1280 720 3500", "640 360 800"}, PickOptions{Rendition: selector("720p"), MaxBandwidth: 1_000_000}, "0 720p at 2.5 Mbit/s: the cheapest, as none is within 1.0 Mbit/s"},
	{"height, and no other", []string{"1280 720 2500", "640 360 800"}, PickOptions{Rendition: selector("720p")}, "0 720p at 2.5 Mbit/s: the best of 720p"},
	{"index", []string{"1920 1080 5000", "0 0 64 CODECS=\"mp4a.40.2\"", "3840 2160 9000 VIDEO-RANGE=PQ,PATHWAY-ID=\"b\""}, PickOptions{Rendition: selector("2"), MaxBandwidth: 1, Width: 1}, "2 2160p at 9.0 Mbit/s: asked for by its index"},
	{"index, redundant", []string{"640 360 800", "640 360 800", "1280 720 2500"}, PickOptions{Rendition: selector("1")}, "1 360p at 800 kbit/s: asked for by its index 0"},
	{"codec", []string{"1920 1080 5000 CODECS=\"hvc1.1.6.L120\"", "1280 720 2500 CODECS=\"mp4a.40.2,avc1.64001f\"", "640 360 700 CODECS=\"hev1.1\"", "0 0 9000"}, PickOptions{Codec: keyframe.H264}, "1 720p at 2.5 Mbit/s: the best"},
	{"codec, with a size", []string{"640 360 800 CODECS=\"avc1.64001f\"", "1920 1080 5000 CODECS=\"dvh1.08.03\"", "1280 720 2500 CODECS=\"hvc1.1\""}, PickOptions{Codec: keyframe.H265, Width: 640}, "2 720p at 2.5 Mbit/s: the cheapest that serves width 640 1"},
	{"codec that none tells", []string{"640 360 800", "1920 1080 5000 CODECS=\"avc1.64\""}, PickOptions{Codec: keyframe.H265}, "0 360p at 800 kbit/s: the best"},
}

// selector parses a valid Selector.
func selector(text string) Selector {
	s, err := ParseRendition(text)
	if err != nil {
		panic(err)
	}
	return s
}

func TestPick(t *testing.T) {
	for _, tt := range pickTests {
		c, err := ladder(t, tt.ladder...).Pick(tt.options)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := c.Variant.URI.Text + " " + c.Reason
		for _, v := range c.Alternates {
			got += " " + v.URI.Text
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestPickSteered(t *testing.T) {
	m := ladder(t, "640 360 800 PATHWAY-ID=\"a\"", "640 360 800 PATHWAY-ID=\"b\"")
	m.Pathway = "b"
	c, err := m.Pick(PickOptions{})
	if err != nil || c.Variant.Index != 1 || len(c.Alternates) != 1 || c.Alternates[0].Index != 0 {
		t.Errorf("got %+v, %v, want variant 1 with variant 0 as alternate", c, err)
	}
}

func TestPickNothing(t *testing.T) {
	tests := []struct {
		name   string
		ladder []string
		kind   error
		want   string
	}{
		{"no variant", nil, keyframe.ErrNotFound, "no variant"},
		{"audio only", []string{"0 0 64 CODECS=\"mp4a.40.5\""}, keyframe.ErrNotFound, "only audio"},
		{"other codecs", []string{"640 360 800 CODECS=\"av01.0.05M.08,opus\"", "640 360 800 CODECS=\"av01.0.05M.08,opus\"", "640 360 800 CODECS=\"xyz1\""}, keyframe.ErrUnsupported, `"av01.0.05M.08,opus; xyz1"`},
		{"other codecs and audio", []string{"0 0 64 CODECS=\"mp4a.40.5\"", "640 360 800 CODECS=\"vp09.00\""}, keyframe.ErrUnsupported, "vp09"},
	}
	for _, tt := range tests {
		_, err := ladder(t, tt.ladder...).Pick(PickOptions{})
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestClassify(t *testing.T) {
	tests := []struct {
		codecs string
		want   codecClass
	}{
		{"", videoUnknown},
		{" , ", videoUnknown},
		{"avc1.64001f", videoReadable},
		{"avc3", videoReadable},
		{"hev1.1.6.L93.B0", videoReadable},
		{"hvc1.2.4.L123.B0,ec-3", videoReadable},
		{"dvh1.08.07", videoReadable},
		{"dvh1.05.01", videoUnsupported},
		{"dvhe.05.01,avc1.42c00d", videoReadable},
		{"mp4a.40.2", videoNone},
		{"Opus", videoNone},
		{"stpp.ttml.im1t", videoNone},
		{"mp4a.40.2,vvc1.1.L51", videoUnsupported},
		{"vp8", videoUnsupported},
	}
	for _, tt := range tests {
		if got := classifyCodecs(tt.codecs); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.codecs, got, tt.want)
		}
	}
}
