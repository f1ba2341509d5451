package session

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
)

const (
	// DefaultKeep allows the last ten pictures at one per second, or fifty at five.
	DefaultKeep = 10 * time.Second

	// DefaultMaxBytes holds DefaultKeep and a GOP of the same length at 12 Mbit/s, more
	// than 4K cameras send, and DefaultKeep alone at 25 Mbit/s.
	DefaultMaxBytes = 32 << 20

	// DefaultMaxSegment bounds a segment of HLS unless the stream's options do: ten
	// seconds of 50 Mbit/s.
	DefaultMaxSegment = 64 << 20
)

// Options are the settings of a Session. The zero value works.
type Options struct {
	// Stream says how to open the stream. Its fields At, AtClock, Edge, IfNewer, AllowTiles,
	// Stdin and OnCodec are ignored. MaxBytes bounds a segment of HLS; 0 means
	// DefaultMaxSegment.
	Stream kfgrab.Options

	// Keep is how long pictures are kept at least; 0 means DefaultKeep. The session
	// keeps up to one GOP more, because its pictures depend on its first.
	Keep time.Duration

	// MaxBytes bounds the bytes that are kept, whatever Keep says; 0 means
	// DefaultMaxBytes. The newest keyframe is always kept. A GOP that is larger is
	// truncated.
	MaxBytes int64

	// FailAtOnce ends the session if its first connection fails, for whatever reason.
	// Without it, the session goes on trying where that may help.
	FailAtOnce bool

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
		return c, fmt.Errorf("%w: Keep %v and MaxBytes %d must not be negative", kfgrab.ErrUsage, c.Keep, c.MaxBytes)
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
	s.At, s.AtClock, s.Edge, s.IfNewer, s.AllowTiles, s.Stdin, s.OnCodec = 0, time.Time{}, 0, false, false, nil, nil
	return c, nil
}
