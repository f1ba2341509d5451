package kfgrab

import (
	"errors"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
)

// optionRow is an option that not every kind of source honours: see the table in
// package sourcekind.
type optionRow struct {
	name  string
	given func(*Options) bool
	clear func(*Options)
}

// optionRows has a row for each option of the table in package sourcekind, except the
// two that programs set for every stream alike: MaxBytes, which is documented not to
// bound local files, and UserAgent.
var optionRows = []optionRow{
	{"At", func(o *Options) bool { return o.At != 0 }, func(o *Options) { o.At = 0 }},
	{"AtClock", func(o *Options) bool { return !o.AtClock.IsZero() && o.At == 0 }, func(o *Options) { o.AtClock = time.Time{} }},
	{"Edge", func(o *Options) bool { return o.Edge != EdgeFirst }, func(o *Options) { o.Edge = EdgeFirst }},
	{"EdgeNext", func(o *Options) bool { return o.Edge == EdgeNext }, func(o *Options) { o.Edge = EdgeFirst }},
	{"Rendition", func(o *Options) bool { return o.Rendition != hls.Selector{} }, func(o *Options) { o.Rendition = hls.Selector{} }},
	{"MaxBandwidth", func(o *Options) bool { return o.MaxBandwidth != 0 }, func(o *Options) { o.MaxBandwidth = 0 }},
	{"AllowTiles", func(o *Options) bool { return o.AllowTiles }, func(o *Options) { o.AllowTiles = false }},
	{"Program", func(o *Options) bool { return o.Program != 0 }, func(o *Options) { o.Program = 0 }},
	{"Header", func(o *Options) bool { return len(o.Header) > 0 }, func(o *Options) { o.Header = nil }},
	{"HeadersEverywhere", func(o *Options) bool { return o.HeadersEverywhere }, func(o *Options) { o.HeadersEverywhere = false }},
	{"Proxy", func(o *Options) bool { return o.Proxy != nil }, func(o *Options) { o.Proxy = nil }},
	{"InsecureTLS", func(o *Options) bool { return o.InsecureTLS }, func(o *Options) { o.InsecureTLS = false }},
	{"RootCAs", func(o *Options) bool { return o.RootCAs != nil }, func(o *Options) { o.RootCAs = nil }},
	{"TLSFingerprint", func(o *Options) bool { return len(o.TLSFingerprint) > 0 }, func(o *Options) { o.TLSFingerprint = nil }},
	{"RTSP.Transport", func(o *Options) bool { return o.RTSP.Transport != TransportAuto }, func(o *Options) { o.RTSP.Transport = TransportAuto }},
	{"RTSP.KeyframeTimeout", func(o *Options) bool { return o.RTSP.KeyframeTimeout != 0 }, func(o *Options) { o.RTSP.KeyframeTimeout = 0 }},
	{"RTSP.NoKeyframeRequest", func(o *Options) bool { return o.RTSP.NoKeyframeRequest }, func(o *Options) { o.RTSP.NoKeyframeRequest = false }},
	{"RTSP.KeepSession", func(o *Options) bool { return o.RTSP.KeepSession }, func(o *Options) { o.RTSP.KeepSession = false }},
}

// For returns o without the options that the stream at rawURL cannot honour, as far as
// the URL shows it: for options that many streams share. Open refuses them.
func (o *Options) For(rawURL string) Options {
	fitting := *o
	for _, row := range optionRows {
		if row.given(o) && sourcekind.Check(row.name, sourcekind.OfURL(rawURL)) != nil {
			row.clear(&fitting)
		}
	}
	return fitting
}

// checkKind returns an error if an option is given that none of the kinds that the
// stream may be honours.
func (o *Options) checkKind(possible sourcekind.Set) error {
	for _, row := range optionRows {
		if !row.given(o) {
			continue
		}
		if err := sourcekind.Check(row.name, possible); err != nil {
			return err
		}
	}
	return nil
}

// usageOf makes an error of usage of one that says which option a source cannot honour.
func usageOf(err error) error {
	var refused *sourcekind.Error
	if errors.As(err, &refused) && !errors.Is(err, ErrUsage) {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return err
}
