package hls

import (
	"errors"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

var selectorTests = []struct {
	text string
	ok   bool
}{
	{"best", true},
	{"worst", true},
	{"720p", true},
	{"1p", true},
	{"0", true},
	{"12", true},
	{"2147483647", true},
	{"", false},
	{"0p", false},
	{"p", false},
	{"-1", false},
	{"+1", false},
	{"720P", false},
	{"720i", false},
	{"1.5", false},
	{"2147483648", false},
	{"Best", false},
}

func TestParseRendition(t *testing.T) {
	for _, tt := range selectorTests {
		s, err := ParseRendition(tt.text)
		switch {
		case (err == nil) != tt.ok:
			t.Errorf("%q: %v", tt.text, err)
		case err == nil && s.String() != tt.text:
			t.Errorf("%q: String is %q", tt.text, s)
		case err != nil && s != Selector{}:
			t.Errorf("%q: %v with an error", tt.text, s)
		}
	}
}

// FuzzParseRendition: a parsed selector, printed and parsed again, is the same.
func FuzzParseRendition(f *testing.F) {
	for _, tt := range selectorTests {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseRendition(text)
		if err != nil {
			if strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("%q: an error of several lines", text)
			}
			return
		}
		if again, err := ParseRendition(s.String()); err != nil || again != s {
			t.Errorf("%q: %v, then %v, %v", text, s, again, err)
		}
	})
}

// TestSelectNothing: the error lists the renditions there are.
func TestSelectNothing(t *testing.T) {
	three := []string{"1920 1080 5000 CODECS=\"avc1.64\"", "0 0 64 CODECS=\"mp4a.40.2\"", "640 360 800 CODECS=\"av01.0\"", "640 360 800 CODECS=\"avc1.64\""}
	tests := []struct {
		name    string
		ladder  []string
		options PickOptions
		kind    error
		want    string
	}{
		{"height", three, PickOptions{Rendition: selector("720p")}, keyframe.ErrNotFound, "no rendition is 720p; there are 0: 1080p at 5.0 Mbit/s, 3: 360p at 800 kbit/s"},
		{"index", three, PickOptions{Rendition: selector("4")}, keyframe.ErrNotFound, "no rendition is 4; there are 0: 1080p at 5.0 Mbit/s, 3: 360p at 800 kbit/s"},
		{"index of audio", three, PickOptions{Rendition: selector("1")}, keyframe.ErrNotFound, `rendition 1, variant 1 at 64 kbit/s, has only "mp4a.40.2"`},
		{"index of another codec", three, PickOptions{Rendition: selector("2")}, keyframe.ErrUnsupported, `rendition 2, 360p at 800 kbit/s, has only "av01.0"`},
		{"codec", three, PickOptions{Codec: keyframe.H265}, keyframe.ErrNotFound, `no rendition is hevc; there are "avc1.64"`},
		{"index of the other codec", append(three, "640 360 700 CODECS=\"hvc1.1\""), PickOptions{Codec: keyframe.H265, Rendition: selector("0")}, keyframe.ErrNotFound, `rendition 0, 1080p at 5.0 Mbit/s, has only "avc1.64"`},
		{"height of the other codec", append(three, "640 360 700 CODECS=\"hvc1.1\""), PickOptions{Codec: keyframe.H265, Rendition: selector("1080p")}, keyframe.ErrNotFound, "no rendition is 1080p; there are 4: 360p at 700 kbit/s"},
		{"a long ladder", strings.Split(strings.Repeat("640 360 800|", 14)+"640 360 800", "|"), PickOptions{Rendition: selector("1p")}, keyframe.ErrNotFound, "9: 360p at 800 kbit/s, 5 more"},
	}
	for _, tt := range tests {
		_, err := ladder(t, tt.ladder...).Pick(tt.options)
		if !errors.Is(err, tt.kind) || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}
