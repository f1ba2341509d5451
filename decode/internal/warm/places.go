package warm

import (
	"slices"
	"sync"
	"time"
)

// places bounds how many processes run at a time, and keeps the idle ones.
type places struct {
	size     int
	idleTime time.Duration

	mu      sync.Mutex
	busy    int        // places that were granted
	idle    []*process // the longest unused first
	queue   []*Place
	joined  map[*Place]bool // in the queue or granted
	closed  bool
	pending sync.WaitGroup // joined places, and idle processes that are being stopped
}

// joinQueue grants pl its place or puts it into the queue. It returns false if the pool is
// closed.
func (s *places) joinQueue(pl *Place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}

	s.joined[pl] = true
	s.pending.Add(1)
	s.queue = append(s.queue, pl)
	s.grantPlaces()
	return true
}

// quitQueue takes pl out of the queue. It returns false if pl was granted its place.
func (s *places) quitQueue(pl *Place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	n := slices.Index(s.queue, pl)
	if n < 0 {
		return false
	}

	s.queue = slices.Delete(s.queue, n, n+1)
	delete(s.joined, pl)
	s.pending.Done()
	return true
}

// grantPlaces serves the first places in the queue, as long as there is something free: an
// idle process of the key, room for a new process, or the process idle for the longest.
func (s *places) grantPlaces() {
	for len(s.queue) > 0 && s.busy < s.size {
		pl := s.queue[0]
		s.queue = slices.Delete(s.queue, 0, 1)

		n := slices.IndexFunc(s.idle, func(p *process) bool { return p.key == pl.wantedKey() })
		if n < 0 && s.busy+len(s.idle) >= s.size {
			n = 0
		}
		s.busy++
		if n < 0 {
			pl.granted <- nil
			continue
		}

		p := s.idle[n]
		s.idle = slices.Delete(s.idle, n, n+1)
		p.idleTimer.Stop()
		pl.granted <- p
	}
}

// leavePlace takes back the place of pl. kept is nil or a process that stays up.
func (s *places) leavePlace(pl *Place, kept *process) {
	defer s.pending.Done()
	if !s.releasePlace(pl, kept) && kept != nil {
		kept.killAndWait()
	}
}

// releasePlace is leavePlace without waiting. It returns false if the pool is closed.
func (s *places) releasePlace(pl *Place, kept *process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	delete(s.joined, pl)
	s.busy--
	if kept != nil && !s.closed {
		s.idle = append(s.idle, kept)
		kept.idleTimer = time.AfterFunc(s.idleTime, func() { s.expireProcess(kept) })
	}
	s.grantPlaces()
	return !s.closed
}

// expireProcess stops a process that was idle for too long.
func (s *places) expireProcess(p *process) {
	if s.removeIdle(p) {
		defer s.pending.Done()
		p.killAndWait()
	}
}

// removeIdle takes p out of the idle processes. It returns false if p is not idle any
// more.
func (s *places) removeIdle(p *process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	n := slices.Index(s.idle, p)
	if n < 0 {
		return false
	}
	s.idle = slices.Delete(s.idle, n, n+1)
	s.pending.Add(1)
	return true
}

// closeAll refuses further places. It returns the idle processes, to be stopped, and the
// places, to be cancelled.
func (s *places) closeAll() (idle []*process, joined []*Place) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.closed = true
	idle, s.idle = s.idle, nil
	for _, p := range idle {
		p.idleTimer.Stop()
	}
	for pl := range s.joined {
		joined = append(joined, pl)
	}
	return idle, joined
}
