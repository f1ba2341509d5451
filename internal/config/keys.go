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
	"github.com/kfgrab/kfgrab/internal/proxyurl"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/tlspin"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/rtsp"
	"github.com/kfgrab/kfgrab/serve"
)

// maxTime is longer than any sensible grab.
const maxTime = time.Hour

// streamKeys are the keys of a stream and of defaults. Keys have the names of the flags.
var streamKeys = block[builder]{
	"timeout":             parseValue(func(b *builder) *time.Duration { return &b.Timeout }, parseBetween(time.Millisecond, maxTime)),
	"max_bytes":           parseValue(func(b *builder) *int64 { return &b.Options.MaxBytes }, units.ParseBytes),
	"headers":             func(d *decoder, key string, n *node, b *builder) { d.decodeHeaders(key, n, &b.Options.Header) },
	"headers_everywhere":  parseValue(func(b *builder) *bool { return &b.Options.HeadersEverywhere }, parseBoolean),
	"user_agent":          func(d *decoder, key string, n *node, b *builder) { d.decodeHeaderValue(key, n, &b.Options.UserAgent) },
	"proxy":               (*decoder).decodeProxy,
	"insecure":            parseValue(func(b *builder) *bool { return &b.Options.InsecureTLS }, parseBoolean),
	"ca":                  (*decoder).decodeCA,
	"tls_fingerprint":     parseValue(func(b *builder) *[]byte { return &b.Options.TLSFingerprint }, tlspin.Parse),
	"edge":                parseValue(func(b *builder) *kfgrab.Edge { return &b.Options.Edge }, hls.ParseEdge),
	"at":                  (*decoder).decodeAt,
	"program":             parseValue(func(b *builder) *int { return &b.Options.Program }, parseNumber(0, math.MaxUint16)),
	"rtsp_transport":      parseValue(func(b *builder) *rtsp.Transport { return &b.Options.RTSP.Transport }, rtsp.ParseTransport),
	"keyframe_timeout":    parseValue(func(b *builder) *time.Duration { return &b.Options.RTSP.KeyframeTimeout }, parseBetween(time.Millisecond, maxTime)),
	"no_keyframe_request": parseValue(func(b *builder) *bool { return &b.Options.RTSP.NoKeyframeRequest }, parseBoolean),
	"keep_session":        parseValue(func(b *builder) *bool { return &b.Options.RTSP.KeepSession }, parseBoolean),
	"max_bandwidth":       parseValue(func(b *builder) *int { return &b.Options.MaxBandwidth }, units.ParseBitrate),
	"rendition":           parseValue(func(b *builder) *kfgrab.Selector { return &b.Options.Rendition }, hls.ParseRendition),
	"codec":               parseValue(func(b *builder) *keyframe.Codec { return &b.Options.Codec }, keyframe.ParseCodec),
	"allow_tiles":         parseValue(func(b *builder) *bool { return &b.Options.AllowTiles }, parseBoolean),

	"format":        parseValue(func(b *builder) *picture.Format { return &b.Picture.Format }, picture.ParseFormat),
	"width":         parseValue(func(b *builder) *int { return &b.Picture.Output.Width }, parseNumber(0, math.MaxUint16)),
	"height":        parseValue(func(b *builder) *int { return &b.Picture.Output.Height }, parseNumber(0, math.MaxUint16)),
	"fit":           parseValue(func(b *builder) *decode.Fit { return &b.Picture.Output.Fit }, decode.ParseFit),
	"crop":          parseValue(func(b *builder) *decode.Crop { return &b.Picture.Output.Crop }, decode.ParseCrop),
	"quality":       parseValue(func(b *builder) *int { return &b.Picture.Output.Quality }, parseNumber(1, 100)),
	"deinterlace":   parseValue(func(b *builder) *bool { return &b.Picture.Output.KeepInterlaced }, parseDeinterlace),
	"max_pixels":    parseValue(func(b *builder) *int { return &b.Picture.Output.MaxPixels }, parsePixels),
	"skip_black":    parseValue(func(b *builder) *int { return &b.Picture.Tries }, parseTries),
	"overlay":       parseValue(func(b *builder) *bool { return &b.Picture.Overlay }, parseBoolean),
	"deterministic": parseValue(func(b *builder) *bool { return &b.Picture.Deterministic }, parseBoolean),
	"no_metadata":   parseValue(func(b *builder) *bool { return &b.Picture.NoMetadata }, parseBoolean),

	"every":     (*decoder).decodeEvery,
	"cron":      (*decoder).decodeCron,
	"time_zone": parseValue(func(b *builder) *string { return &b.zone }, parseZone),
	"spread":    parseValue(func(b *builder) *time.Duration { return &b.Schedule.Spread }, parseSpread),

	"retry_first":   parseValue(func(b *builder) *time.Duration { return &b.Retry.First }, parseBetween(schedule.MinEvery, schedule.MaxEvery)),
	"retry_longest": parseValue(func(b *builder) *time.Duration { return &b.Retry.Longest }, parseBetween(schedule.MinEvery, schedule.MaxEvery)),
	"failing_after": parseValue(func(b *builder) *int { return &b.FailingAfter }, parseNumber(0, math.MaxInt32)),

	"repeats":   parseValue(func(b *builder) *bool { return &b.Repeats }, parseBoolean),
	"on_change": parseValue(func(b *builder) *Change { return &b.OnChange }, parseChange),
	"sinks":     (*decoder).decodeSinks,
	"retention": func(d *decoder, key string, n *node, b *builder) { retentionKeys.decode(d, key, n, &b.Retention) },
	"mode":      parseValue(func(b *builder) *serve.Mode { return &b.Mode }, serve.ParseMode),
	"ttl":       parseValue(func(b *builder) *time.Duration { return &b.TTL }, parseBetween(0, 24*time.Hour)),
}

var retentionKeys = block[sink.Retention]{
	"age":   parseValue(func(r *sink.Retention) *time.Duration { return &r.Age }, parseBetween(time.Minute, 36500*24*time.Hour)),
	"count": parseValue(func(r *sink.Retention) *int { return &r.Count }, parseNumber(1, math.MaxInt32)),
	"bytes": parseValue(func(r *sink.Retention) *int64 { return &r.Bytes }, units.ParseBytes),
}

func parseZone(word string) (string, error) {
	if _, err := time.LoadLocation(word); err != nil {
		return "", fmt.Errorf("unknown time zone %q: want one such as Europe/Berlin, UTC or Local", word)
	}
	return word, nil
}

// decodeEvery replaces an inherited cron line, and cron an inherited interval.
func (d *decoder) decodeEvery(key string, n *node, b *builder) {
	set := parseValue(func(b *builder) *time.Duration { return &b.Schedule.Every }, parseBetween(schedule.MinEvery, schedule.MaxEvery))
	set(d, key, n, b)
	b.Schedule.Cron = ""
}

func (d *decoder) decodeCron(key string, n *node, b *builder) {
	word, ok := d.decodeWord(key, n)
	if !ok {
		return
	}
	if err := (schedule.Rule{Cron: word}).Validate(); err != nil {
		d.fail(n, key, "%v", err)
		return
	}
	b.Schedule.Cron, b.Schedule.Every = strings.Join(strings.Fields(word), " "), 0
}

// decodeHeaders adds to the inherited headers. One of the same name is replaced.
func (d *decoder) decodeHeaders(key string, n *node, to *http.Header) {
	header := to.Clone()
	if header == nil {
		header = http.Header{}
	}
	lines := map[string]int{} // by canonical name

	for name, v := range d.eachPair(key, n) {
		canonical := http.CanonicalHeaderKey(name.text)
		first, twice := lines[canonical]
		switch {
		case !httpguts.ValidHeaderFieldName(name.text):
			d.fail(name, key, "invalid name of a header")
			continue
		case twice:
			d.fail(name, key, "%s appears twice: first in line %d", showKey(name.text), first)
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
			if d.decodeHeaderValue(name.text, v, &text) {
				header.Add(name.text, text)
			}
		}
	}
	*to = header
}

func (d *decoder) decodeHeaderValue(key string, n *node, to *string) bool {
	t, ok := d.decodePlain(key, n)
	if ok && !httpguts.ValidHeaderFieldValue(t.value) {
		d.fail(n, key, "a header must be one line of printable characters")
		return false
	}
	*to = t.value
	return ok
}

func (d *decoder) decodeProxy(key string, n *node, b *builder) {
	t, ok := d.decodePlain(key, n)
	if !ok {
		return
	}
	u, err := proxyurl.Parse(t.value)
	if err != nil {
		d.failFilled(n, key, t, err)
		return
	}
	b.Options.Proxy = u
}

func (d *decoder) decodeCA(key string, n *node, b *builder) {
	t, ok := d.decodePlain(key, n)
	if !ok {
		return
	}
	pem, err := d.lookup.readFile(t.value)
	if err != nil {
		d.failFilled(n, key, t, fmt.Errorf("file %s: %w", t.value, err))
		return
	}
	b.Options.RootCAs = x509.NewCertPool()
	if !b.Options.RootCAs.AppendCertsFromPEM(pem) {
		d.failFilled(n, key, t, fmt.Errorf("file %s holds no PEM certificate", t.value))
	}
}
