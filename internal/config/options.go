package config

import (
	"maps"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/internal/units"
)

// optionKeys are the keys that set the options of the table in package sourcekind.
var optionKeys = map[string]string{
	"max_bytes": "MaxBytes", "headers": "Header", "headers_everywhere": "HeadersEverywhere", "user_agent": "UserAgent", "proxy": "Proxy",
	"insecure": "InsecureTLS", "ca": "RootCAs", "tls_fingerprint": "TLSFingerprint", "edge": "Edge", "at": "At", "program": "Program",
	"rtsp_transport": "RTSP.Transport", "keyframe_timeout": "RTSP.KeyframeTimeout", "no_keyframe_request": "RTSP.NoKeyframeRequest",
	"keep_session": "RTSP.KeepSession", "max_bandwidth": "MaxBandwidth", "rendition": "Rendition", "allow_tiles": "AllowTiles",
}

// checkOptions refuses the keys of a stream that it cannot honour, as far as its URL
// shows. Keys that it has from defaults, or from a mapping that is merged, have no effect
// then.
func (d *decoder) checkOptions(n *node, b *builder, rawURL string) {
	for _, key := range slices.Sorted(maps.Keys(optionKeys)) {
		i := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key.text == key })
		if i < 0 || n.pairs[i].merged || n.pairs[i].value.text == "false" {
			continue
		}
		if err := sourcekind.Check(optionKeys[key], sourcekind.OfURL(rawURL)); err != nil {
			d.fail(n.pairs[i].key, key, "%v", err)
		}
	}
	b.Options = b.Options.For(rawURL)
}

// decodeAt decodes a time in the stream. Hours, minutes and seconds count from its start:
// the newest such time of day would be another one each day.
func (d *decoder) decodeAt(key string, n *node, b *builder) {
	set := parseValue(func(b *builder) *units.Point { return &b.at }, func(word string) (units.Point, error) {
		return units.ParsePoint(word, time.Now())
	})
	set(d, key, n, b)
	if b.Options.At = b.at.Offset; b.at.Offset == 0 {
		b.Options.AtClock = b.at.Clock
	}
}
