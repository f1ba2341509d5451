package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/change"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/picture"
)

// File is what a configuration file says.
type File struct {
	Limits  schedule.Limits // of grabs at once
	FFmpeg  string          // path of the decoder; "" where the file names none
	Streams []Stream        // in the file's order, each with a name of its own
	Service Service         // for kfgrab serve
}

// Stream is one stream and all that is to be done with it.
type Stream struct {
	Name string
	// URL has credentials in it, filled in: never print it.
	URL string
	// Options are for kfgrab.Open. Headers in it may be secret. Stdin, OnCodec, Logger
	// and IfNewer are not set.
	Options kfgrab.Options
	// Timeout bounds one grab; 0 where the file says nothing.
	Timeout time.Duration

	// Picture says what to make. Its Software is not set.
	Picture picture.Options

	// Schedule is the zero value where the file says nothing of when.
	Schedule schedule.Rule

	// Repeats has a picture kept even where the keyframe is the same as that of the last.
	Repeats bool
	// OnChange has a picture kept only where it differs from the last one that was.
	OnChange Change

	// Sinks are where pictures go, and who is told.
	Sinks []Sink
	// Retention is for sinks that are directories.
	Retention sink.Retention

	// Mode and TTL are for kfgrab serve.
	Mode Mode
	TTL  time.Duration // for how long a picture is served again

	shown string // the URL as it may be shown
}

// Change is how much two pictures have to differ.
type Change struct {
	Enabled bool
	// Distance is the number of bits, of the 64 of a perceptual hash, in which pictures
	// differ at least.
	Distance int
}

// Mode is when kfgrab serve grabs.
type Mode uint8

// The modes. One that is warm is held open, for an answer at once.
const (
	OnDemand Mode = iota
	Scheduled
	Warm
)

var modes = []string{OnDemand: "on_demand", Scheduled: "scheduled", Warm: "warm"}

// String returns the name that a file has for it.
func (m Mode) String() string {
	if int(m) >= len(modes) {
		return fmt.Sprintf("Mode(%d)", uint8(m))
	}
	return modes[m]
}

const (
	// DefaultTTL is what a page that is reloaded often need not grab again for.
	DefaultTTL = 5 * time.Second
	// DefaultDistance tells a scene that has changed from noise and drifting light.
	DefaultDistance = change.DefaultThreshold
)

// Redacted returns the URL as it may be shown: without credentials, values of the query
// and what stands for a secret in the file.
func (s *Stream) Redacted() string { return s.shown }

// String returns the name and the URL as it may be shown.
func (s Stream) String() string { return s.Name + "=" + s.shown }

// GoString is String, so that no way of printing shows secrets.
func (s Stream) GoString() string { return s.String() }

// ParseMode reads what Mode.String returns.
func ParseMode(text string) (Mode, error) {
	for m, name := range modes {
		if name == text {
			return Mode(m), nil
		}
	}
	return 0, fmt.Errorf("unknown mode %q: want %s", text, strings.Join(modes, ", "))
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMode does. It implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}
