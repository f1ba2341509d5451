package config

import (
	"crypto/x509"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/tlspin"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/rtsp"
	"github.com/kfgrab/kfgrab/serve"
)

// maxTime bounds a grab: who waits longer wants something else.
const maxTime = time.Hour

// streamKeys are the keys of a stream, and of defaults without name, url and credentials.
// Where the command has a flag for it, the key has its name.
var streamKeys = block[builder]{
	"timeout":             value(func(b *builder) *time.Duration { return &b.Timeout }, between(time.Millisecond, maxTime)),
	"max_bytes":           value(func(b *builder) *int64 { return &b.Options.MaxBytes }, units.ParseBytes),
	"headers":             func(d *decoder, key string, n *node, b *builder) { d.headers(key, n, &b.Options.Header) },
	"headers_everywhere":  value(func(b *builder) *bool { return &b.Options.HeadersEverywhere }, boolean),
	"user_agent":          func(d *decoder, key string, n *node, b *builder) { d.headerValue(key, n, &b.Options.UserAgent) },
	"insecure":            value(func(b *builder) *bool { return &b.Options.InsecureTLS }, boolean),
	"ca":                  (*decoder).ca,
	"tls_fingerprint":     value(func(b *builder) *[]byte { return &b.Options.TLSFingerprint }, tlspin.Parse),
	"edge":                value(func(b *builder) *kfgrab.Edge { return &b.Options.Edge }, hls.ParseEdge),
	"at":                  value(func(b *builder) *time.Duration { return &b.Options.At }, units.ParseTime),
	"program":             value(func(b *builder) *int { return &b.Options.Program }, number(0, math.MaxUint16)),
	"rtsp_transport":      value(func(b *builder) *rtsp.Transport { return &b.Options.RTSP.Transport }, rtsp.ParseTransport),
	"keyframe_timeout":    value(func(b *builder) *time.Duration { return &b.Options.RTSP.KeyframeTimeout }, between(time.Millisecond, maxTime)),
	"no_keyframe_request": value(func(b *builder) *bool { return &b.Options.RTSP.NoKeyframeRequest }, boolean),
	"keep_session":        value(func(b *builder) *bool { return &b.Options.RTSP.KeepSession }, boolean),
	"max_bandwidth":       value(func(b *builder) *int { return &b.Options.MaxBandwidth }, units.ParseBitrate),
	"rendition":           value(func(b *builder) *kfgrab.Selector { return &b.Options.Rendition }, hls.ParseRendition),
	"codec":               value(func(b *builder) *keyframe.Codec { return &b.Options.Codec }, keyframe.ParseCodec),
	"allow_tiles":         value(func(b *builder) *bool { return &b.Options.AllowTiles }, boolean),

	"format":        value(func(b *builder) *picture.Format { return &b.Picture.Format }, picture.ParseFormat),
	"width":         value(func(b *builder) *int { return &b.Picture.Output.Width }, number(0, math.MaxUint16)),
	"height":        value(func(b *builder) *int { return &b.Picture.Output.Height }, number(0, math.MaxUint16)),
	"fit":           value(func(b *builder) *decode.Fit { return &b.Picture.Output.Fit }, decode.ParseFit),
	"crop":          value(func(b *builder) *decode.Crop { return &b.Picture.Output.Crop }, decode.ParseCrop),
	"quality":       value(func(b *builder) *int { return &b.Picture.Output.Quality }, number(1, 100)),
	"deinterlace":   value(func(b *builder) *bool { return &b.Picture.Output.KeepInterlaced }, parseDeinterlace),
	"max_pixels":    value(func(b *builder) *int { return &b.Picture.Output.MaxPixels }, parsePixels),
	"skip_black":    value(func(b *builder) *int { return &b.Picture.Tries }, parseTries),
	"overlay":       value(func(b *builder) *bool { return &b.Picture.Overlay }, boolean),
	"deterministic": value(func(b *builder) *bool { return &b.Picture.Deterministic }, boolean),
	"no_metadata":   value(func(b *builder) *bool { return &b.Picture.NoMetadata }, boolean),

	"every":     (*decoder).every,
	"cron":      (*decoder).cron,
	"time_zone": value(func(b *builder) *string { return &b.zone }, parseZone),
	"spread":    value(func(b *builder) *time.Duration { return &b.Schedule.Spread }, parseSpread),

	"repeats":   value(func(b *builder) *bool { return &b.Repeats }, boolean),
	"on_change": value(func(b *builder) *Change { return &b.OnChange }, parseChange),
	"sinks":     (*decoder).sinks,
	"retention": func(d *decoder, key string, n *node, b *builder) { retentionKeys.decode(d, key, n, &b.Retention) },
	"mode":      value(func(b *builder) *serve.Mode { return &b.Mode }, serve.ParseMode),
	"ttl":       value(func(b *builder) *time.Duration { return &b.TTL }, between(0, 24*time.Hour)),
}

var retentionKeys = block[sink.Retention]{
	"age":   value(func(r *sink.Retention) *time.Duration { return &r.Age }, between(time.Minute, 36500*24*time.Hour)),
	"count": value(func(r *sink.Retention) *int { return &r.Count }, number(1, math.MaxInt32)),
	"bytes": value(func(r *sink.Retention) *int64 { return &r.Bytes }, units.ParseBytes),
}

func parseZone(word string) (string, error) {
	if _, err := time.LoadLocation(word); err != nil {
		return "", fmt.Errorf("no time zone has the name %q: want one such as Europe/Berlin, UTC or Local", word)
	}
	return word, nil
}

// every takes the place of an inherited cron line, and cron that of an interval.
func (d *decoder) every(key string, n *node, b *builder) {
	set := value(func(b *builder) *time.Duration { return &b.Schedule.Every }, between(schedule.MinEvery, schedule.MaxEvery))
	set(d, key, n, b)
	b.Schedule.Cron = ""
}

func (d *decoder) cron(key string, n *node, b *builder) {
	word, ok := d.word(key, n)
	if !ok {
		return
	}
	if err := (schedule.Rule{Cron: word}).Validate(); err != nil {
		d.fail(n, key, "%v", err)
		return
	}
	b.Schedule.Cron, b.Schedule.Every = strings.Join(strings.Fields(word), " "), 0
}

// headers adds to what is inherited; a header of the same name goes in its place.
func (d *decoder) headers(key string, n *node, to *http.Header) {
	header := to.Clone()
	if header == nil {
		header = http.Header{}
	}
	lines := map[string]int{} // by names as in requests, where capitals do not matter
	for name, v := range d.pairs(key, n) {
		canonical := http.CanonicalHeaderKey(name.text)
		first, twice := lines[canonical]
		switch {
		case !httpguts.ValidHeaderFieldName(name.text):
			d.fail(name, key, "this is no name of a header")
			continue
		case twice:
			d.fail(name, key, "%s comes twice: first in line %d", show(name.text), first)
			continue
		}
		lines[canonical] = name.line
		values := []*node{v}
		if v.kind == sequence {
			values = v.items
		}
		header.Del(name.text)
		for _, v := range values {
			var text string
			if d.headerValue(name.text, v, &text) {
				header.Add(name.text, text)
			}
		}
	}
	*to = header
}

func (d *decoder) headerValue(key string, n *node, to *string) bool {
	t, ok := d.plain(key, n)
	if ok && !httpguts.ValidHeaderFieldValue(t.value) {
		d.fail(n, key, "a header is one line of printable characters")
		return false
	}
	*to = t.value
	return ok
}

func (d *decoder) ca(key string, n *node, b *builder) {
	t, ok := d.plain(key, n)
	if !ok {
		return
	}
	pem, err := d.lookup.file(t.value)
	if err != nil {
		d.failFilled(n, key, t, fmt.Errorf("file %s: %w", t.value, err))
		return
	}
	b.Options.RootCAs = x509.NewCertPool()
	if !b.Options.RootCAs.AppendCertsFromPEM(pem) {
		d.failFilled(n, key, t, fmt.Errorf("file %s holds no PEM certificate", t.value))
	}
}
