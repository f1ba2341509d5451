package kfgrab_test

import (
	"strings"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// TestStreamRendition: a stream with several renditions reports the one of the
// last keyframe.
func TestStreamRendition(t *testing.T) {
	testmedia.Make(t, "hls-ts") // skips if there is no ffmpeg
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, test := range []struct {
		url   string
		width int
		index int // −1: there is no choice
	}{{o.HLS(origin.TS), 0, 0}, {o.HLS(origin.TS), 300, 1}, {o.Media(origin.TS, 0), 300, -1}, {testmedia.Make(t, "h264.ts"), 0, -1}} {
		s, err := kfgrab.Open(test.url, &kfgrab.Options{Width: test.width})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if r, ok := s.Rendition(); ok {
			t.Errorf("%s: %+v before the first grab", test.url, r)
		}
		if _, err := s.Grab(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, ok := s.Rendition()
		if ok != (test.index >= 0) || ok && (r.Index != test.index || r.Bandwidth == 0 || !strings.HasSuffix(r.URI, ".m3u8")) {
			t.Errorf("%s, %d wide: %+v, %v", test.url, test.width, r, ok)
		}
	}
}
