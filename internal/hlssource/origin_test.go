package hlssource

import (
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

func startOrigin(t *testing.T) *origin.Origin {
	t.Helper()
	testmedia.Make(t, "hls-ts") // skips if there is no ffmpeg
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// since returns the requests after the first n.
func since(o *origin.Origin, n int) []origin.Request { return o.Requests()[n:] }

// TestOrigin: a grab from a live ladder fetches one rendition and ranges of one
// segment. The second grab takes its playlist and a range or two.
func TestOrigin(t *testing.T) {
	for _, kind := range []origin.Kind{origin.TS, origin.FMP4} {
		t.Run(string(kind), func(t *testing.T) {
			o := startOrigin(t)
			for _, tt := range []struct {
				pick   hls.PickOptions
				folder string
				height int
			}{
				{hls.PickOptions{}, path.Dir(o.Media(kind, 0)), 360},
				{hls.PickOptions{Width: 300}, path.Dir(o.Media(kind, 1)), 240},
				{hls.PickOptions{Height: 1}, path.Dir(o.Media(kind, 2)), 144},
			} {
				s := source(t, o.HLS(kind), &Options{PickOptions: tt.pick}, nil)
				before := len(o.Requests())
				f := mustGrab(t, s)
				if f.Info.Height != tt.height || f.Time.IsZero() {
					t.Errorf("%v: height %d, taken at %v", tt.pick, f.Info.Height, f.Time)
				}
				cold := since(o, before)
				if cold[0].Path != strings.TrimPrefix(o.HLS(kind), base(o.HLS(kind))) {
					t.Errorf("%v: began with %s", tt.pick, cold[0].Path)
				}
				oneRendition(t, cold[1:], base(o.HLS(kind)), tt.folder)
				before += len(cold)
				mustGrab(t, s)
				second := since(o, before)
				oneRendition(t, second, base(o.HLS(kind)), tt.folder)
				if len(second) > 3 || path.Ext(second[0].Path) != ".m3u8" {
					t.Errorf("%v: the second grab took %+v", tt.pick, second)
				}
			}
		})
	}
}

func base(u string) string { return u[:len("http://")+strings.IndexByte(u[len("http://"):], '/')] }

// oneRendition checks for a media playlist, perhaps a whole initialisation
// section, then ranges of one segment.
func oneRendition(t *testing.T, list []origin.Request, base, folder string) {
	t.Helper()
	segment := ""
	for i, r := range list {
		if path.Dir(base+r.Path) != folder {
			t.Errorf("%s fetched, outside of %s", r.Path, folder)
		}
		switch isSegment := r.Range != "" && path.Base(r.Path) != "init.mp4"; {
		case i == 0 && path.Ext(r.Path) != ".m3u8", i > 1 && !isSegment, isSegment && r.Status != http.StatusPartialContent:
			t.Errorf("request %d: %+v", i, r)
		case isSegment && segment == "":
			segment = r.Path
		case isSegment && segment != r.Path:
			t.Errorf("two segments: %s and %s", segment, r.Path)
		}
	}
}

// TestOriginMedia: a media playlist works without its master playlist.
func TestOriginMedia(t *testing.T) {
	o := startOrigin(t)
	s := source(t, o.Media(origin.TS, 2), nil, &fetch.Options{})
	if f := mustGrab(t, s); f.Info.Height != 144 {
		t.Errorf("height %d", f.Info.Height)
	}
	for _, r := range o.Requests() {
		if path.Dir(base(o.HLS(origin.TS))+r.Path) != path.Dir(o.Media(origin.TS, 2)) {
			t.Errorf("%s fetched", r.Path)
		}
	}
}
