package config

import (
	"github.com/kfgrab/kfgrab/internal/change"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/serve"
)

// File is the content of a configuration file.
type File struct {
	Limits  schedule.Limits // of grabs at once
	FFmpeg  string          // path of the decoder; "" if the file names none
	Streams []Stream        // in the order of the file, with unique names
	Service Service         // for kfgrab serve
}

// Stream is one stream and what to do with it. URL contains credentials: print RedactedURL.
type Stream struct {
	serve.Stream

	// Repeats keeps a picture even if its keyframe is the same as the last one.
	Repeats bool
	// OnChange keeps a picture only if it differs from the last one kept.
	OnChange Change

	// Retry says how soon the stream is tried again after failures.
	Retry schedule.Retry
	// FailingAfter is how many failures in a row make the event failing; 0 for none.
	FailingAfter int

	// Sinks are where pictures go, and the hooks to run for events.
	Sinks []Sink
	// Retention is for sinks that are directories.
	Retention sink.Retention
}

// Rule returns when the stream is due. It is the zero value if the file has no schedule.
func (s *Stream) Rule() schedule.Rule { return schedule.Rule(s.Schedule) }

// Change is how much two pictures must differ.
type Change struct {
	Enabled bool
	// Distance is the least number of bits, of the 64 of a perceptual hash, that differ.
	Distance int
}

// DefaultDistance separates a changed scene from noise and drifting light.
const DefaultDistance = change.DefaultThreshold
