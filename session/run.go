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
	// firstWait is for a server that has closed one connection and takes the next.
	firstWait = 500 * time.Millisecond
	// maxWait is how late the return of a camera that was away for long may be
	// noticed. Two requests a minute burden nobody.
	maxWait = 30 * time.Second
	// steady is how long a connection has to last for the wait to be short again: a
	// server that gives a picture and hangs up would else be asked all the time.
	steady = 10 * time.Second
)

// backoff is the waits between attempts to connect.
type backoff struct{ last time.Duration }

// next returns the wait that follows a connection that has lasted for some time.
// chance, from 0 to 1, spreads it over the upper half of what it may be: the viewers
// that a server has lost at once are not to come back at once.
func (b *backoff) next(lasted time.Duration, chance float64) time.Duration {
	switch {
	case b.last == 0 || lasted >= steady:
		b.last = firstWait
	default:
		b.last = min(2*b.last, maxWait)
	}
	return b.last/2 + time.Duration(chance*float64(b.last/2))
}

// run receives until ctx is done, or nothing can be received.
func (s *Session) run(ctx context.Context) {
	var b backoff
	for {
		s.attempt()
		err := s.stream.Receive(ctx, s.take)
		lasted, final := s.lost(ctx, err)
		if final {
			return
		}
		pause := b.next(lasted, rand.Float64())
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

func (s *Session) attempt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Attempts++
	if s.state.Since.IsZero() {
		s.state.Since = time.Now()
	}
}

// lost takes the end of a connection in, and says how long there were pictures, and
// whether it was the last.
func (s *Session) lost(ctx context.Context, err error) (lasted time.Duration, final bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Connected {
		lasted = now.Sub(s.state.Since)
		s.state.Connected, s.state.Since = false, now
	}
	s.state.Err = err
	s.ring.restart()
	switch {
	case ctx.Err() != nil:
		s.end(context.Cause(ctx))
	case s.state.Connections == 0 && hopeless(err):
		s.end(err)
	}
	return lasted, s.final != nil
}

// hopeless says whether err, of a stream that has never given a picture, is one that
// no other attempt can mend: wrong credentials, another codec, a recording. Of a
// stream that has, the same may pass: a camera that starts is not itself.
func hopeless(err error) bool {
	return errors.Is(err, keyframe.ErrUnsupported) || errors.Is(err, kfgrab.ErrUsage) || kfgrab.ClassOf(err) == kfgrab.Unauthorised
}
