package watch

import (
	"context"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/picture"
)

// defaultTimeout bounds a grab if Stream.Timeout is 0.
const defaultTimeout = 15 * time.Second

// Stream defines what to watch, when, and where to store the pictures.
type Stream struct {
	Name string // unique
	URL  string
	Grab kfgrab.Options // IfNewer is ignored: see Repeats
	Rule schedule.Rule  // Once ignores it

	Retry schedule.Retry // after failures
	// FailingAfter is how many failures in a row make the event Failing; 0 for none.
	FailingAfter int

	Picture picture.Options
	// Timeout bounds the grab and the decoding together; 0 means 15 s.
	Timeout time.Duration
	// Asked stands for what is stored and where, apart from the keyframe. If it changes,
	// a keyframe that is already stored is stored again.
	Asked string
	// Repeats stores a picture even if its keyframe is that of the last one.
	Repeats bool
	// MinChange is the smallest difference from the last stored picture, as
	// sink.OnChange counts: from 1 to 64, or 0 to store every picture. The first picture
	// after a restart is always stored.
	MinChange int
	// Sinks store each picture, one after the other. If one fails, the others still get
	// the picture, but the run counts as failed.
	Sinks []Sink
	// Hooks get an event for each picture, with the location that the first sink returned,
	// and for each change between failing and not failing.
	Hooks []Hook
}

// Sink stores pictures: a sink.Dir, sink.S3 or sink.Tar.
type Sink interface {
	Put(ctx context.Context, p *sink.Picture) (location string, err error)
}

// Hook gets events. Notify returns at once, as sink.Queue's does.
type Hook interface {
	Notify(e event.Event)
}
