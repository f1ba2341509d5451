package serve

import "sync"

// signal tells any number of goroutines that something has changed. The zero value is
// ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // nil where nobody waits
}

// next returns a channel that is closed with the next change. Who asks for it before
// looking at what may change misses nothing.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
