package session

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
)

const (
	// DefaultKeep serves the last five pictures at one a second, or fifty at five.
	DefaultKeep = 10 * time.Second

	// DefaultMaxBytes holds DefaultKeep and a GOP of as much again at 12 Mbit/s,
	// more than cameras of 4K send, and DefaultKeep alone at 25 Mbit/s.
	DefaultMaxBytes = 32 << 20

	// DefaultMaxSegment bounds a segment of HLS where the stream's options do not: ten
	// seconds of 50 Mbit/s.
	DefaultMaxSegment = 64 << 20
)

// Options are the settings of a Session. The zero value works.
type Options struct {
	// Stream says how to get at the stream. Of its fields, At, Edge, IfNewer,
	// AllowTiles, Stdin and OnCodec have no meaning here; MaxBytes bounds a segment of
	// HLS, DefaultMaxSegment where 0.
	Stream kfgrab.Options

	// Keep is for how long pictures are kept at least; DefaultKeep where 0. It
	// takes a GOP more, as those begin with what the others need.
	Keep time.Duration

	// MaxBytes bounds what is kept, whatever Keep says; DefaultMaxBytes where 0. But
	// the newest keyframe is always kept. A GOP that alone is larger ends there.
	MaxBytes int64

	Decoder decode.Decoder // for Frames
}

// withDefaults returns a copy of o, which may be nil. The error wraps
// kfgrab.ErrUsage.
func (o *Options) withDefaults() (Options, error) {
	c := Options{}
	if o != nil {
		c = *o
	}
	if c.Keep < 0 || c.MaxBytes < 0 {
		return c, fmt.Errorf("%w: a session that keeps %v, and %d bytes", kfgrab.ErrUsage, c.Keep, c.MaxBytes)
	}
	if c.Keep == 0 {
		c.Keep = DefaultKeep
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Stream.MaxBytes == 0 {
		c.Stream.MaxBytes = DefaultMaxSegment
	}
	s := &c.Stream
	s.At, s.Edge, s.IfNewer, s.AllowTiles, s.Stdin, s.OnCodec = 0, 0, false, false, nil, nil
	return c, nil
}
