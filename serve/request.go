package serve

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// pictureRequest is what a request asks for.
type pictureRequest struct {
	picture      picture.Options
	maxAge       time.Duration
	staleIfError time.Duration
	fresh        bool
}

// A requested size or quality becomes the next larger of these, or the last, so
// that a keyframe has a few hundred renderings at most.
var (
	widths    = []int{64, 96, 128, 160, 240, 320, 400, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840}
	heights   = []int{36, 54, 72, 90, 120, 135, 180, 240, 270, 360, 450, 480, 540, 720, 900, 1080, 1440, 2160}
	qualities = []int{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}
)

const (
	// maxSide is the largest size that a request may give.
	maxSide = 16383
	// maxSeconds is the largest age that a request may give: a day.
	maxSeconds = 24 * 60 * 60
)

func roundUp(n int, to []int) int {
	i, _ := slices.BinarySearch(to, n)
	return to[min(i, len(to)-1)]
}

// parsePictureRequest reads a request's query; conf has the defaults. Unknown
// parameters are ignored: pages add some to get past caches.
func parsePictureRequest(r *http.Request, conf *Stream, f picture.Format) (pictureRequest, error) {
	wanted := pictureRequest{picture: conf.Picture, maxAge: conf.TTL}
	wanted.picture.Format = f
	wanted.picture.Tries = 0 // the grab has skipped blank pictures
	if f != picture.JPEG && f != picture.PNG {
		wanted.picture.Overlay = false
	}
	if r.URL.RawQuery == "" {
		return wanted, nil
	}

	q := query{values: r.URL.Query()}
	q.readSize(&wanted.picture.Output)
	q.readOverlay(&wanted.picture)
	q.readSeconds("max_age", &wanted.maxAge)
	q.readSeconds("stale_if_error", &wanted.staleIfError)
	q.readFlag("force_refresh", &wanted.fresh)
	q.readFlag("fresh", &wanted.fresh)
	if wanted.fresh {
		wanted.maxAge = 0
	}
	if q.err != nil {
		return wanted, q.err
	}
	if err := wanted.picture.Validate(); err != nil {
		return wanted, badRequest("%v", err)
	}
	return wanted, nil
}

// query reads parameters up to the first error.
type query struct {
	values url.Values
	err    error
}

func (q *query) get(name string) (string, bool) {
	v, ok := q.values[name]
	if !ok || q.err != nil {
		return "", false
	}
	return v[0], true
}

func (q *query) fail(name, value, want string) {
	q.err = badRequest("invalid %s=%.40q: want %s", name, value, want)
}

func (q *query) readSize(o *decode.Output) {
	width, height := q.readNumber("width", maxSide), q.readNumber("height", maxSide)
	if width > 0 || height > 0 {
		o.Width, o.Height, o.Fit = 0, 0, decode.Fill
		if width > 0 {
			o.Width = roundUp(width, widths)
		}
		if height > 0 {
			o.Height = roundUp(height, heights)
		}
		if width > 0 && height > 0 {
			o.Fit = decode.Contain
		}
	}

	if text, ok := q.get("fit"); ok {
		fit, err := decode.ParseFit(text)
		if err != nil {
			q.fail("fit", text, "fill, cover or contain")
		}
		o.Fit = fit
	}
	if quality := q.readNumber("quality", 100); quality > 0 {
		o.Quality = roundUp(quality, qualities)
	}
}

func (q *query) readOverlay(o *picture.Options) {
	on := o.Overlay
	q.readFlag("overlay", &on)
	if q.err == nil && on && o.Format != picture.JPEG && o.Format != picture.PNG {
		q.fail("overlay", "1", "it with a JPEG or PNG only")
	}
	o.Overlay = on
}

// readNumber returns 0 if the parameter is missing.
func (q *query) readNumber(name string, most int) int {
	text, ok := q.get(name)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		q.fail(name, text, "a whole number from 1 to "+strconv.Itoa(most))
		return 0
	}
	return n
}

// readSeconds accepts every spelling of a time that flags accept: 1.5, 1.5s, 1m30s.
func (q *query) readSeconds(name string, to *time.Duration) {
	text, ok := q.get(name)
	if !ok {
		return
	}

	d, err := units.ParseTime(text)
	if err != nil || d > maxSeconds*time.Second {
		q.fail(name, text, "seconds, up to a day")
		return
	}
	*to = d
}

func (q *query) readFlag(name string, to *bool) {
	text, ok := q.get(name)
	if !ok {
		return
	}
	switch strings.ToLower(text) {
	case "", "1", "true", "yes", "on":
		*to = true
	case "0", "false", "no", "off":
		*to = false
	default:
		q.fail(name, text, "1 or 0")
	}
}

// hasFlag reports whether a flag is set, whatever else is wrong with the
// request.
func hasFlag(r *http.Request, name string) (on bool) {
	if r.URL.RawQuery == "" {
		return false
	}
	q := query{values: r.URL.Query()}
	q.readFlag(name, &on)
	return on
}

// formatOf returns the format of a file "snapshot.jpg".
func formatOf(file string) (picture.Format, error) {
	if !strings.HasPrefix(file, "snapshot.") {
		return 0, notFound("a stream has no %.40q", file)
	}
	if f, ok := picture.ByExtension(path.Ext(file)); ok && f != picture.RGB24 && f != picture.BGR24 {
		return f, nil
	}
	return 0, notFound("unknown format %.20q: want jpg, png, webp, mp4, h264 or h265", strings.TrimPrefix(file, "snapshot"))
}

// withoutEnlarging drops a size that exceeds the picture's own: clients enlarge
// pictures themselves, for no bytes.
func withoutEnlarging(o picture.Options, i keyframe.Info) picture.Options {
	whole := decode.Output{Crop: o.Output.Crop}
	width, height := whole.Size(i)
	switch {
	case width == 0 || (o.Output.Width > 0 && o.Output.Height > 0):
	case o.Output.Width >= width:
		o.Output.Width = 0
	case o.Output.Height >= height:
		o.Output.Height = 0
	}
	return o
}
