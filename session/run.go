package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// firstWait suits a server that closes a connection and accepts the next one.
	firstWait = 500 * time.Millisecond
	// maxWait is how long it may take to notice that a camera is back after a long
	// time. Two requests per minute are no burden.
	maxWait = 30 * time.Second
	// steady is how long a connection has to last before the wait is short again.
	// Otherwise a server that sends one picture and hangs up would be asked all the
	// time.
	steady = 10 * time.Second
)

// backoff computes the waits between attempts to connect.
type backoff struct{ last time.Duration }

// nextWait returns the wait after a connection that lasted for some time. chance, from 0
// to 1, spreads it over the upper half of its range, so that viewers that a server lost
// at the same time do not all come back at the same time.
func (b *backoff) nextWait(lasted time.Duration, chance float64) time.Duration {
	switch {
	case b.last == 0 || lasted >= steady:
		b.last = firstWait
	default:
		b.last = min(2*b.last, maxWait)
	}
	return b.last/2 + time.Duration(chance*float64(b.last/2))
}

// receiveLoop receives until ctx is done, or the stream cannot be received.
func (s *Session) receiveLoop(ctx context.Context) {
	var b backoff
	for {
		s.noteAttempt()
		err := s.stream.Receive(ctx, s.takePicture)
		lasted, final := s.noteLost(ctx, err)
		if final {
			return
		}

		pause := b.nextWait(lasted, rand.Float64())
		if log := s.opt.Stream.Logger; log != nil {
			log.DebugContext(ctx, "session lost", "why", err, "lasted", lasted, "again in", pause)
		}

		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
	}
}

func (s *Session) noteAttempt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Attempts++
	if s.state.Since.IsZero() {
		s.state.Since = time.Now()
	}
}

// noteLost records the end of a connection. It returns how long there were pictures, and
// whether there will be no further connection.
func (s *Session) noteLost(ctx context.Context, err error) (lasted time.Duration, final bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.state.Connected {
		lasted = now.Sub(s.state.Since)
		s.state.Connected, s.state.Since = false, now
	}
	s.state.Err = err
	s.ring.beginConnection()

	switch {
	case ctx.Err() != nil:
		s.endWaiting(context.Cause(ctx))
	case s.state.Connections == 0 && (s.opt.FailAtOnce || isHopeless(err)):
		s.endWaiting(err)
	}
	return lasted, s.final != nil
}

// isHopeless reports whether no further attempt can help a stream that has never
// delivered a picture: wrong credentials, another codec, a recording. Once the stream has
// delivered one, the same errors may be temporary: a camera that is starting behaves
// oddly.
func isHopeless(err error) bool {
	return errors.Is(err, keyframe.ErrUnsupported) || errors.Is(err, kfgrab.ErrUsage) || kfgrab.ClassOf(err) == kfgrab.Unauthorised
}
