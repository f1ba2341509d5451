package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Session is one live stream that is held open. Its methods may be called from
// several goroutines.
type Session struct {
	opt    Options
	stream *kfgrab.Stream

	stop context.CancelCauseFunc // nil before Start
	done chan struct{}           // closed when nothing is received any more

	mu    sync.Mutex
	ring  *ring
	state State         // what of it is not the ring's or the stream's
	final error         // why nothing will be received any more, nil while it may
	wake  chan struct{} // closed with the next picture or the end; nil where nobody waits
}

// errClosed is wrapped by the errors of what is asked of a Session after Close.
var errClosed = errors.New("the session is closed")

// Open returns the session of the stream at rawURL. There is no I/O before Start. o
// may be nil. The error wraps kfgrab.ErrUsage.
func Open(rawURL string, o *Options) (*Session, error) {
	opt, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	stream, err := kfgrab.Open(rawURL, &opt.Stream)
	if err != nil {
		return nil, err
	}
	return &Session{opt: opt, stream: stream, done: make(chan struct{}), ring: newRing(opt.Keep, opt.MaxBytes)}, nil
}

// Start begins to receive, in one goroutine that ends with ctx or Close. It is to be
// called once, and Close in any case.
func (s *Session) Start(ctx context.Context) {
	ctx, stop := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil || s.final != nil {
		stop(nil)
		return
	}
	s.stop = stop
	go func() {
		defer close(s.done)
		s.run(ctx)
	}()
}

// Close ends the session and forgets its pictures. It returns when its goroutine and
// its connections are gone; what is being decoded goes on. It may be called again.
func (s *Session) Close() error {
	s.mu.Lock()
	stop := s.stop
	if stop == nil {
		s.end(errClosed)
	}
	s.mu.Unlock()
	if stop != nil {
		stop(errClosed)
		<-s.done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring.release()
	return s.stream.Close()
}

// Latest returns the newest keyframe, at once. Its time is that of its arrival. Where
// none has come yet, the error wraps what keeps the stream from coming, or else
// keyframe.ErrNotFound.
func (s *Session) Latest() (*kfgrab.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ring.entries) == 0 {
		return nil, s.missing("no keyframe")
	}
	e := s.ring.entries[len(s.ring.entries)-1]
	f := e.frame
	var parts [][]byte
	for _, p := range s.ring.pictures[e.at : e.clean+1] {
		parts = append(parts, p.data)
	}
	f.Data, f.AfterGap = bytes.Join(parts, nil), false
	return &kfgrab.Snapshot{Frame: &f, URL: s.stream.URL(), Taken: e.arrived, MediaTime: f.Time}, nil
}

// missing is an error for what the ring does not have. It is called with mu held.
func (s *Session) missing(what string) error {
	switch {
	case s.final != nil:
		return s.final
	case s.state.Err != nil:
		return fmt.Errorf("%s: %w", what, s.state.Err)
	}
	return fmt.Errorf("%s: %w: %s", s.stream.URL(), keyframe.ErrNotFound, what)
}

// State is how a session goes.
type State struct {
	Connected bool      // pictures come
	Since     time.Time // of that, or of its opposite; zero before Start
	Err       error     // why no pictures come, if that is known
	Ended     bool      // and none will

	// KeyframeAge is how long ago the newest keyframe came; -1 where none has.
	KeyframeAge time.Duration

	Connections int   // that gave pictures
	Attempts    int   // to connect
	Pictures    int64 // that came
	Keyframes   int64
	// Dropped are the pictures that were not kept, as others were missing that they
	// depend on, or for the bounds of the ring, and Gaps how often some were missing.
	Dropped, Gaps int64
	Down          int64 // bytes through the sockets

	// What is kept: pictures, their bytes, and the time from the first to the last.
	Kept      int
	KeptBytes int64
	KeptFor   time.Duration
}

// State tells how the session goes.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, r := s.state, s.ring
	st.Ended = s.final != nil
	st.KeyframeAge = -1
	if n := len(r.entries); n > 0 {
		st.KeyframeAge = time.Since(r.entries[n-1].arrived)
	}
	st.Dropped, st.Gaps = r.dropped, r.gaps
	st.Down = s.stream.Spent().Down
	st.Kept, st.KeptBytes = len(r.pictures), r.bytes
	if list := r.presented(); len(list) > 0 {
		st.KeptFor = list[len(list)-1].pts - list[0].pts
	}
	return st
}

// take is what the stream gives each picture to.
func (s *Session) take(f *keyframe.Frame) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.state.Connected {
		s.state.Connected, s.state.Since, s.state.Err = true, now, nil
		s.state.Connections++
	}
	s.state.Pictures++
	if s.ring.push(f, now) {
		s.state.Keyframes++
	}
	s.tell()
}

// tell wakes those who wait for pictures. It is called with mu held.
func (s *Session) tell() {
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// end has nobody wait any more. It is called with mu held.
func (s *Session) end(err error) {
	if s.final == nil {
		s.final = err
	}
	s.tell()
}
