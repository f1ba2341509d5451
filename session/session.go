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

// Session is one live stream that is held open. Its methods may be called from several
// goroutines.
type Session struct {
	opt    Options
	stream *kfgrab.Stream

	stop context.CancelCauseFunc // nil before Start
	done chan struct{}           // closed when receiving has ended

	mu    sync.Mutex
	ring  *ring
	state State         // without the fields that come from the ring and the stream
	final error         // why there will be no further picture; nil if there may be
	wake  chan struct{} // closed with the next picture or at the end; nil if no call waits
}

// errClosed is wrapped by errors after Close.
var errClosed = errors.New("the session is closed")

// Open returns a session for the stream at rawURL. It does no I/O. o may be nil. The
// error wraps kfgrab.ErrUsage.
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

// Start begins to receive, in one goroutine that ends with ctx or Close. It must be
// called once, and Close after it.
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
		s.receiveLoop(ctx)
	}()
}

// Close ends the session and frees its pictures. It returns when its goroutine and
// connections have ended; calls of Frames that are decoding continue. It may be called
// again.
func (s *Session) Close() error {
	s.mu.Lock()
	stop := s.stop
	if stop == nil {
		s.endWaiting(errClosed)
	}
	s.mu.Unlock()
	if stop != nil {
		stop(errClosed)
		<-s.done
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring.releaseAll()
	return s.stream.Close()
}

// Latest returns the newest keyframe without waiting. Snapshot.Taken is the time of its
// arrival. If none has arrived yet, the error wraps the reason, if it is known, or else
// keyframe.ErrNotFound.
func (s *Session) Latest() (*kfgrab.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ring.entries) == 0 {
		return nil, s.missingError("no keyframe")
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

// missingError returns the reason why the ring lacks something. mu must be locked.
func (s *Session) missingError(what string) error {
	switch {
	case s.final != nil:
		return s.final
	case s.state.Err != nil:
		return fmt.Errorf("%s: %w", what, s.state.Err)
	}
	return fmt.Errorf("%s: %w: %s", s.stream.URL(), keyframe.ErrNotFound, what)
}

// State is the state of a session.
type State struct {
	Connected bool      // pictures arrive
	Since     time.Time // when Connected changed; zero before Start
	Err       error     // why no pictures arrive, if that is known
	Ended     bool      // no pictures will arrive any more

	// KeyframeAge is how long ago the newest keyframe arrived; -1 if none has.
	KeyframeAge time.Duration

	Connections int   // connections that delivered pictures
	Attempts    int   // attempts to connect
	Pictures    int64 // pictures that arrived
	Keyframes   int64
	// Dropped counts pictures that were not kept, because others were missing or because
	// of MaxBytes. Gaps counts how often pictures were missing.
	Dropped, Gaps int64
	Down          int64 // bytes through the sockets

	// The ring's content: pictures, their bytes, and the time from first to last.
	Kept      int
	KeptBytes int64
	KeptFor   time.Duration
}

// State returns the current state.
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
	if list := r.listPresented(); len(list) > 0 {
		st.KeptFor = list[len(list)-1].pts - list[0].pts
	}
	return st
}

// takePicture receives each picture of the stream.
func (s *Session) takePicture(f *keyframe.Frame) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()

	if !s.state.Connected {
		s.state.Connected, s.state.Since, s.state.Err = true, now, nil
		s.state.Connections++
	}

	s.state.Pictures++
	if s.ring.pushPicture(f, now) {
		s.state.Keyframes++
	}
	s.wakeWaiting()
}

// wakeWaiting wakes the calls that wait for pictures. mu must be locked.
func (s *Session) wakeWaiting() {
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// endWaiting records that there will be no further picture. mu must be locked.
func (s *Session) endWaiting(err error) {
	if s.final == nil {
		s.final = err
	}
	s.wakeWaiting()
}
