package config

import (
	"github.com/kfgrab/kfgrab/internal/change"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/serve"
)

// File is what a configuration file says.
type File struct {
	Limits  schedule.Limits // of grabs at once
	FFmpeg  string          // path of the decoder; "" where the file names none
	Streams []Stream        // in the file's order, each with a name of its own
	Service Service         // for kfgrab serve
}

// Stream is one stream and all that is to be done with it. URL has credentials in it,
// filled in: print RedactedURL.
type Stream struct {
	serve.Stream

	// Repeats has a picture kept even where the keyframe is the same as that of the last.
	Repeats bool
	// OnChange has a picture kept only where it differs from the last one that was.
	OnChange Change

	// Sinks are where pictures go, and who is told.
	Sinks []Sink
	// Retention is for sinks that are directories.
	Retention sink.Retention
}

// Rule returns when the stream is due; the zero value where the file says nothing of it.
func (s *Stream) Rule() schedule.Rule { return schedule.Rule(s.Schedule) }

// Change is how much two pictures have to differ.
type Change struct {
	Enabled bool
	// Distance is the number of bits, of the 64 of a perceptual hash, in which pictures
	// differ at least.
	Distance int
}

// DefaultDistance tells a scene that has changed from noise and drifting light.
const DefaultDistance = change.DefaultThreshold
