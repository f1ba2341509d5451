package serve

import (
	"bytes"
	"context"
	"hash/maphash"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/overlay"
	"github.com/kfgrab/kfgrab/picture"
)

// drawnBytes holds a few hundred placeholders.
const drawnBytes = 2 << 20

// renderer makes pictures of captures, and placeholders, each once.
type renderer struct {
	pool    *decode.Pool
	decoder decoderCheck
	seed    maphash.Seed // of etags
	work    group[rendering, []byte]

	cache      *cache // of the configured streams
	guestCache *cache // of those that ?url= names
	drawings   *cache // placeholders: they take no room from pictures
}

func newRenderer(o *Options) *renderer {
	return &renderer{
		pool: &decode.Pool{Decoder: o.Decoder}, decoder: decoderCheck{decoder: o.Decoder}, seed: maphash.MakeSeed(),
		cache: newCache(o.CacheBytes), guestCache: newCache(o.CacheBytes / guestShare), drawings: newCache(drawnBytes),
	}
}

func (r *renderer) close() error {
	r.work.close()
	return r.pool.Close()
}

// render returns the picture's bytes. It passes the time that they took to make
// to observe.
func (r *renderer) render(ctx context.Context, key rendering, d delivery, observe func(time.Duration)) ([]byte, error) {
	return r.makeOnce(ctx, key.camera.cache, key, func(ctx context.Context) ([]byte, error) {
		ctx, cancel := neterror.WithTimeout(ctx, key.camera.conf.Timeout)
		defer cancel()

		began := time.Now()
		data, err := picture.Make(ctx, r.pool, d.snapshot, &key.options)
		observe(time.Since(began))
		return data, err
	})
}

// makeOnce returns what the cache has, else what produce returns. Callers with the same
// key share one call of produce.
func (r *renderer) makeOnce(ctx context.Context, c *cache, key rendering, produce func(context.Context) ([]byte, error)) ([]byte, error) {
	if data, ok := c.get(key); ok {
		return data, nil
	}
	return r.work.do(ctx, key, func(ctx context.Context) ([]byte, error) {
		// Another call may have ended since the cache was asked.
		if data, ok := c.peek(key); ok {
			return data, nil
		}
		data, err := produce(ctx)
		if err == nil {
			c.put(key, data)
		}
		return data, err
	})
}

// etag returns a strong entity tag: the bytes depend only on the capture and the
// options.
func (r *renderer) etag(key rendering) string {
	return `"` + key.capture + "-" + strconv.FormatUint(maphash.Comparable(r.seed, key.options), 36) + `"`
}

// drawText returns a placeholder with these lines: a PNG or a JPEG, depending on
// the format of o.
func (r *renderer) drawText(ctx context.Context, o picture.Options, text []string) ([]byte, error) {
	key := rendering{capture: strings.Join(text, "\n"), options: o}
	return r.makeOnce(ctx, r.drawings, key, func(context.Context) ([]byte, error) {
		return encodeText(o.Output.Width, o.Output.Height, o.Format, text)
	})
}

func encodeText(width, height int, format picture.Format, text []string) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{0x30, 0x34, 0x3c, 0xff}), image.Point{}, draw.Src)
	if err := overlay.Draw(img, text); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if format == picture.PNG {
		err := png.Encode(&b, img)
		return b.Bytes(), err
	}
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 80})
	return b.Bytes(), err
}

const (
	// findAgain is how long the result of a search for the decoder is valid.
	findAgain = 5 * time.Second
	// versionTimeout is ample for a program that prints a line.
	versionTimeout = 5 * time.Second
)

// decoderCheck remembers whether there is a decoder, and its version.
type decoderCheck struct {
	decoder decode.Decoder

	mu      sync.Mutex
	checked time.Time
	missing error // as of checked; nil if there is a decoder

	asking  sync.Mutex // held while the decoder is asked for its version
	path    string     // to which version belongs
	version string
}

// find returns an error if there is no decoder, so that no stream is opened in
// vain.
func (d *decoderCheck) find() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); now.Sub(d.checked) > findAgain {
		d.checked = now
		_, d.missing = d.decoder.Find()
	}
	return d.missing
}

type decoderReport struct {
	Found   bool   `json:"found"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
}

// report searches for the decoder and, if it is a new one, asks for its
// version.
func (d *decoderCheck) report(ctx context.Context) decoderReport {
	path, err := d.decoder.Find()
	if err != nil {
		return decoderReport{Error: "no ffmpeg: only .mp4, .h264 and .h265 are available"}
	}

	d.asking.Lock()
	defer d.asking.Unlock()
	if d.path != path {
		ctx, cancel := context.WithTimeout(ctx, versionTimeout)
		defer cancel()
		version, err := d.decoder.Version(ctx)
		if err != nil {
			return decoderReport{Found: true, Error: "ffmpeg does not report its version"}
		}
		d.path, d.version = path, version
	}
	return decoderReport{Found: true, Version: d.version}
}
