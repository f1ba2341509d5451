package serve

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

var testConf = Stream{
	TTL:     5 * time.Second,
	Picture: picture.Options{Format: picture.PNG, Overlay: true, Output: decode.Output{Width: 720, Quality: 55}},
}

func TestParsePictureRequest(t *testing.T) {
	output := func(width, height int, fit decode.Fit, quality int) decode.Output {
		return decode.Output{Width: width, Height: height, Fit: fit, Quality: quality}
	}
	for _, test := range []struct {
		query  string
		format picture.Format
		want   pictureRequest
	}{
		{"", picture.JPEG, pictureRequest{picture.Options{Overlay: true, Output: output(720, 0, 0, 55)}, 5 * time.Second, 0, false}},
		{"t=123&unknown=%zz", picture.MP4, pictureRequest{picture.Options{Format: picture.MP4, Output: output(720, 0, 0, 55)}, 5 * time.Second, 0, false}},
		{"width=500&overlay=0", picture.JPEG, pictureRequest{picture.Options{Output: output(640, 0, 0, 55)}, 5 * time.Second, 0, false}},
		{"height=1&quality=1", picture.JPEG, pictureRequest{picture.Options{Overlay: true, Output: output(0, 36, 0, 10)}, 5 * time.Second, 0, false}},
		{"width=16383&height=16383&fit=cover", picture.WebP, pictureRequest{picture.Options{Format: picture.WebP, Output: output(3840, 2160, decode.Cover, 55)}, 5 * time.Second, 0, false}},
		{"width=9&height=9", picture.WebP, pictureRequest{picture.Options{Format: picture.WebP, Output: output(64, 36, decode.Contain, 55)}, 5 * time.Second, 0, false}},
		{"fresh=1&max_age=60", picture.JPEG, pictureRequest{picture.Options{Overlay: true, Output: output(720, 0, 0, 55)}, 0, 0, true}},
		{"force_refresh=true", picture.JPEG, pictureRequest{picture.Options{Overlay: true, Output: output(720, 0, 0, 55)}, 0, 0, true}},
		{"max_age=1.5&stale_if_error=2m", picture.JPEG, pictureRequest{picture.Options{Overlay: true, Output: output(720, 0, 0, 55)}, 1500 * time.Millisecond, 2 * time.Minute, false}},
	} {
		got, err := parsePictureRequest(httptest.NewRequest("GET", "/?"+test.query, nil), &testConf, test.format)
		if d := cmp.Diff(test.want, got, cmp.AllowUnexported(pictureRequest{})); d != "" || err != nil {
			t.Errorf("%q: %v %s", test.query, err, d)
		}
	}
}

func TestParsePictureRequestErrors(t *testing.T) {
	for _, query := range []string{
		"width=0", "width=-1", "width=16384", "width=99999999999999999999", "width=1e3", "width=", "height=x", "quality=0", "quality=101",
		"fit=squeeze", "fit=cover", "overlay=perhaps", "fresh=2", "max_age=-1", "max_age=NaN", "max_age=86401", "max_age=25h", "stale_if_error=soon",
	} {
		_, err := parsePictureRequest(httptest.NewRequest("GET", "/?"+query, nil), &testConf, picture.JPEG)
		if err == nil || newProblem(err).Status != 400 {
			t.Errorf("%q: %v", query, err)
		}
	}
	if _, err := parsePictureRequest(httptest.NewRequest("GET", "/?overlay=1", nil), &testConf, picture.WebP); err == nil {
		t.Error("an overlay in WebP")
	}
}

// TestRoundUp: however many sizes are requested, few are made, and none is
// smaller than requested.
func TestRoundUp(t *testing.T) {
	made := map[[2]int]bool{}
	for n := 1; n <= 100_000; n++ {
		w, h := roundUp(n, widths), roundUp(n, heights)
		if w < min(n, 3840) || h < min(n, 2160) {
			t.Fatalf("%d: %dx%d", n, w, h)
		}
		made[[2]int{w, 0}], made[[2]int{0, h}] = true, true
	}
	if len(made) != len(widths)+len(heights) {
		t.Errorf("%d sizes", len(made))
	}
}

func TestNotEnlarged(t *testing.T) {
	info := keyframe.Info{Width: 1280, Height: 720}
	for _, test := range []struct{ width, height, wantWidth, wantHeight int }{
		{0, 0, 0, 0}, {640, 0, 640, 0}, {1280, 0, 0, 0}, {3840, 0, 0, 0}, {0, 360, 0, 360}, {0, 1080, 0, 0}, {3840, 2160, 3840, 2160},
	} {
		o := picture.Options{Output: decode.Output{Width: test.width, Height: test.height}}
		if got := withoutEnlarging(o, info).Output; got.Width != test.wantWidth || got.Height != test.wantHeight {
			t.Errorf("%+v: %dx%d", test, got.Width, got.Height)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for file, want := range map[string]picture.Format{
		"snapshot.jpg": picture.JPEG, "snapshot.JPEG": picture.JPEG, "snapshot.png": picture.PNG, "snapshot.webp": picture.WebP,
		"snapshot.mp4": picture.MP4, "snapshot.h264": picture.AnnexB, "snapshot.h265": picture.AnnexB,
	} {
		if got, err := formatOf(file); err != nil || got != want {
			t.Errorf("%s: %v, %v", file, got, err)
		}
	}
	for _, file := range []string{"", "snapshot.", "snapshot.gif", "snapshot.rgb", "snapshots", "../snapshot.jpg", "snapshot.jpg.exe"} {
		if f, err := formatOf(file); err == nil || newProblem(err).Status != 404 {
			t.Errorf("%q: %v, %v", file, f, err)
		}
	}
}

func TestAccepted(t *testing.T) {
	for _, test := range []struct {
		accept, mime string
		want         float64
	}{
		{"*/*", "image/png", 1},
		{"image/*;q=0.5, */*;q=0.1", "image/png", 0.5},
		{"image/*;q=0.5, image/png;q=0", "image/png", 0},
		{"text/html, IMAGE/PNG ; Q=0.3", "image/png", 0.3},
		{"image/avif,image/webp,image/apng,*/*;q=0.8", "image/jpeg", 0.8},
		{"text/html", "image/png", 0},
		{"image/png;q=many", "image/png", 0},
		{"", "image/png", 0},
	} {
		if got := acceptWeight(test.accept, test.mime); got != test.want {
			t.Errorf("%q, %s: %v, want %v", test.accept, test.mime, got, test.want)
		}
	}
}

// FuzzParsePictureRequest: every request is refused or asks for a picture
// within bounds.
func FuzzParsePictureRequest(f *testing.F) {
	f.Add("width=500&height=3&fit=cover&quality=7&overlay=1&max_age=3&stale_if_error=1m&fresh=1")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		w, err := parsePictureRequest(r, &testConf, picture.JPEG)
		if err != nil {
			if newProblem(err).Status != 400 {
				t.Errorf("%v", err)
			}
			return
		}
		o := w.picture.Output
		if o.Width > 3840 || o.Height > 2160 || w.maxAge < 0 || w.maxAge > 24*time.Hour || w.staleIfError < 0 || w.staleIfError > 24*time.Hour || w.picture.Validate() != nil {
			t.Errorf("%+v", w)
		}
	})
}
