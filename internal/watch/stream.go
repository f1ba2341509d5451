package watch

import (
	"context"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/picture"
)

// defaultTimeout is what a grab has where Stream.Timeout is 0.
const defaultTimeout = 15 * time.Second

// Stream is what is watched, when, and where its pictures go.
type Stream struct {
	Name string // that no other has
	URL  string
	Grab kfgrab.Options // how it is read; IfNewer is Repeats' to say
	Rule schedule.Rule  // when; of no use to Once

	Picture picture.Options
	// Timeout bounds the grab, and for itself the decoding; 0 stands for DefaultTimeout.
	Timeout time.Duration
	// Repeats stores a picture even where it is of the same keyframe as the last.
	Repeats bool
	// MinChange is how much a picture has to differ from the one that was stored last, as
	// sink.OnChange counts: from 1 to 64, 0 for not at all. After a restart the first
	// picture is stored.
	MinChange int
	// Sinks store each picture, one after the other. What fails in one keeps it from no
	// other, but the run counts as failed.
	Sinks []Sink
	// Hooks are told of each picture, with what the first sink returned.
	Hooks []Hook
}

// Sink is where pictures go: a sink.Dir, sink.S3 or sink.Tar.
type Sink interface {
	Put(ctx context.Context, p *sink.Picture) (location string, err error)
}

// Hook is told of pictures that have been stored. It does not wait for what it starts:
// a sink.Queue.
type Hook interface {
	Notify(e sink.Event)
}

func (s *Stream) grabTimeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return defaultTimeout
}

// openOptions are those of kfgrab.Open.
func (s *Stream) openOptions() *kfgrab.Options {
	o := s.Grab
	o.IfNewer = !s.Repeats
	return &o
}
