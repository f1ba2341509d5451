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
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// wish is what a request asks for.
type wish struct {
	picture      picture.Options
	maxAge       time.Duration
	staleIfError time.Duration
	fresh        bool
}

// Sizes and qualities that are asked for become the next larger of these, so that all the
// renderings of a keyframe are a few hundred. What is larger than the last is the last.
var (
	widths    = []int{64, 96, 128, 160, 240, 320, 400, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840}
	heights   = []int{36, 54, 72, 90, 120, 135, 180, 240, 270, 360, 450, 480, 540, 720, 900, 1080, 1440, 2160}
	qualities = []int{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}
)

const (
	// maxSide is what is not taken for a size any more.
	maxSide = 16383
	// maxSeconds bounds ages: a day.
	maxSeconds = 24 * 60 * 60
)

func snapped(n int, to []int) int {
	i, _ := slices.BinarySearch(to, n)
	return to[min(i, len(to)-1)]
}

// parseWish reads a request's query; what it does not say, the stream's configuration
// does. Parameters that have no meaning are passed over: pages add some against caches.
func parseWish(r *http.Request, conf *Stream, f picture.Format) (wish, error) {
	w := wish{picture: conf.Picture, maxAge: conf.TTL}
	w.picture.Format, w.picture.Tries = f, 0 // the grab has seen to it
	if f.Decoded() && f != picture.JPEG && f != picture.PNG || !f.Decoded() {
		w.picture.Overlay = false
	}
	if r.URL.RawQuery == "" {
		return w, nil
	}
	q := query{values: r.URL.Query()}
	q.size(&w.picture.Output)
	q.overlay(&w.picture)
	q.seconds("max_age", &w.maxAge)
	q.seconds("stale_if_error", &w.staleIfError)
	q.flag("force_refresh", &w.fresh)
	if q.flag("fresh", &w.fresh); w.fresh {
		w.maxAge = 0
	}
	if q.err != nil {
		return w, q.err
	}
	if err := w.picture.Validate(); err != nil {
		return w, badRequest("%v", err)
	}
	return w, nil
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
	q.err = badRequest("%s=%.40q: want %s", name, value, want)
}

func (q *query) size(o *decode.Output) {
	width, height := q.number("width", maxSide), q.number("height", maxSide)
	if width > 0 || height > 0 {
		o.Width, o.Height, o.Fit = 0, 0, decode.Fill
		if width > 0 {
			o.Width = snapped(width, widths)
		}
		if height > 0 {
			o.Height = snapped(height, heights)
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
	if quality := q.number("quality", 100); quality > 0 {
		o.Quality = snapped(quality, qualities)
	}
}

func (q *query) overlay(o *picture.Options) {
	on := o.Overlay
	if q.flag("overlay", &on); q.err == nil && on && o.Format != picture.JPEG && o.Format != picture.PNG {
		q.fail("overlay", "1", "a JPEG or a PNG to write into")
	}
	o.Overlay = on
}

// number returns 0 where the parameter is missing.
func (q *query) number(name string, most int) int {
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

// seconds takes 1.5, and 1.5s or 2m, too.
func (q *query) seconds(name string, to *time.Duration) {
	text, ok := q.get(name)
	if !ok {
		return
	}
	d, err := time.ParseDuration(text)
	if n, e := strconv.ParseFloat(text, 64); e == nil && n >= 0 && n <= maxSeconds {
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || d < 0 || d > maxSeconds*time.Second {
		q.fail(name, text, "seconds, up to a day")
		return
	}
	*to = d
}

func (q *query) flag(name string, to *bool) {
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

// flagged says whether a flag is set, whatever else is wrong with the request.
func flagged(r *http.Request, name string) (on bool) {
	if r.URL.RawQuery == "" {
		return false
	}
	q := query{values: r.URL.Query()}
	q.flag(name, &on)
	return on
}

// formats are those of snapshots, by their endings.
const formatList = "jpg, png, webp, mp4, h264 or h265"

// formatOf returns the format of a file "snapshot.jpg".
func formatOf(file string) (picture.Format, error) {
	if strings.HasPrefix(file, "snapshot.") {
		if f, ok := picture.ByExtension(path.Ext(file)); ok && f != picture.RGB24 && f != picture.BGR24 {
			return f, nil
		}
		return 0, notFound("no snapshot has the ending %.20q: want %s", strings.TrimPrefix(file, "snapshot"), formatList)
	}
	return 0, notFound("there is no %.40q of a stream", file)
}

// notEnlarged leaves out sizes that are larger than the picture's own: whoever shows it
// enlarges it as well, for nothing.
func notEnlarged(o picture.Options, i keyframe.Info) picture.Options {
	whole := decode.Output{Crop: o.Output.Crop}
	width, height := whole.Size(i)
	switch {
	case width == 0, o.Output.Width > 0 && o.Output.Height > 0:
	case o.Output.Width >= width:
		o.Output.Width = 0
	case o.Output.Height >= height:
		o.Output.Height = 0
	}
	return o
}
