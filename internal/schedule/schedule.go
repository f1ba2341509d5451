package schedule

import (
	"container/heap"
	"maps"
	"slices"
	"time"
)

const (
	// CatchUpRate is how many streams a second start that have never run, or have
	// missed a run: a thousand within a minute.
	CatchUpRate = 20

	// maxLate is how long the one who asks may be busy. What is later was missed, and so
	// were others.
	maxLate = 2 * time.Second

	// maxWait is how late a clock that was set is noticed.
	maxWait = time.Minute
)

// Schedule holds what is due of many streams. The zero value is empty. It is for one
// goroutine.
type Schedule struct {
	jobs    map[string]*job
	waiting queue
	slot    time.Time // the next one of CatchUpRate
	seen    time.Time // the latest time that was given
}

// Run is one of a stream.
type Run struct {
	Name string
	// Due is when it was planned, with the stream's place in the spread.
	Due time.Time
	// Missed is how many runs this one makes up for, besides itself.
	Missed int
}

// Set adds the stream of that name, or gives it another rule. The state is for one that
// is added: what was stored of it, or the zero value. One that is added runs as soon as
// it may where it has never run or has missed a run, and else when it is due.
// The error is that of Rule.Validate.
func (s *Schedule) Set(now time.Time, name string, rule Rule, state State) error {
	now = s.observeTime(now)
	table, err := rule.compileTimetable(name)
	if err != nil {
		return err
	}
	j := s.jobs[name]
	switch {
	case j == nil:
		j = &job{name: name, rule: rule, table: table, state: state, index: -1}
		if s.jobs == nil {
			s.jobs = map[string]*job{}
		}
		s.jobs[name] = j
		s.resumeJob(j, now)
		return nil
	case j.rule == rule && !j.removed:
		return nil
	}
	j.rule, j.table, j.removed, j.catching, j.missed = rule, table, false, false, 0
	if !j.running {
		s.enqueueJob(j, j.plannedAfter(now))
	}
	return nil
}

// Remove forgets the stream of that name. A run of it goes on; should the stream be added
// again meanwhile, it is not due before that has ended.
func (s *Schedule) Remove(name string) {
	j := s.jobs[name]
	switch {
	case j == nil:
	case j.running:
		j.removed = true
	default:
		s.enqueueJob(j, time.Time{})
		delete(s.jobs, name)
	}
}

// Due returns what is to start now, the longest due first. The streams count as running
// until Done is called for them.
func (s *Schedule) Due(now time.Time) []Run {
	now = s.observeTime(now)
	var runs []Run
	for len(s.waiting) > 0 && !s.waiting[0].next.After(now) {
		j := s.waiting[0]
		if now.Sub(j.next) > min(maxLate, gapAfter(j.table, j.next)/2) {
			s.catchUp(j, now, j.missed+countBetween(j.table, j.next.Add(-1), now))
			continue
		}
		runs = append(runs, j.startRun(now))
		s.enqueueJob(j, time.Time{})
	}
	return runs
}

// Done tells that the run of a stream has ended, and how. It returns how many runs came
// due meanwhile and are skipped. Of a stream that is not running it does nothing.
func (s *Schedule) Done(now time.Time, name string, ok bool) (skipped int) {
	now = s.observeTime(now)
	j := s.jobs[name]
	if j == nil || !j.running {
		return 0
	}
	if j.removed {
		delete(s.jobs, name)
		return 0
	}
	skipped = j.endRun(now, ok)
	s.enqueueJob(j, j.plannedAfter(now))
	return skipped
}

// Wait returns for how long Due has nothing to return. It is at most a minute, as the
// clock may be set meanwhile: call Due when it is over.
func (s *Schedule) Wait(now time.Time) time.Duration {
	now = s.observeTime(now)
	if len(s.waiting) == 0 {
		return maxWait
	}
	return min(max(0, s.waiting[0].next.Sub(now)), maxWait)
}

// Next returns when the stream of that name is planned to run, the zero time while it
// runs or where it is not.
func (s *Schedule) Next(name string) time.Time {
	if j := s.jobs[name]; j != nil {
		return j.next
	}
	return time.Time{}
}

// State returns what is worth storing of the stream of that name, the zero value where
// there is none.
func (s *Schedule) State(name string) State {
	if j := s.jobs[name]; j != nil && !j.removed {
		return j.state
	}
	return State{}
}

// States returns what is worth storing, by name.
func (s *Schedule) States() map[string]State {
	states := make(map[string]State, len(s.jobs))
	for name, j := range s.jobs {
		if !j.removed {
			states[name] = j.state
		}
	}
	return states
}

// observeTime takes the time in and returns it by the wall clock alone: between two times that
// both have a monotonic reading, a clock that was set does not show. Where it was set back,
// streams that would now wait too long are planned anew. Others are not, as they would
// run twice for what is one time.
func (s *Schedule) observeTime(now time.Time) time.Time {
	now = now.Round(0)
	back := now.Before(s.seen)
	s.seen = now
	if !back {
		return now
	}
	s.slot = now
	for _, j := range slices.Clone(s.waiting) {
		switch {
		case j.catching:
			s.catchUp(j, now, j.missed)
		case j.next.Sub(now) > j.longestWait(now):
			s.enqueueJob(j, j.plannedAfter(now))
		}
	}
	return now
}

// resumeJob plans the first run of a stream that was added.
func (s *Schedule) resumeJob(j *job, now time.Time) {
	st := &j.state
	switch {
	case j.rule.Never():
		return
	case st.Due.IsZero():
		s.catchUp(j, now, 0)
		return
	}
	missed := countBetween(j.table, st.Due, now)             // none where the clock was set back
	if missed > 0 || st.Failures > 0 && !st.Due.After(now) { // what made it fail may have been mended
		s.catchUp(j, now, missed)
		return
	}
	s.enqueueJob(j, j.table.nextAfter(now))
}

// catchUp plans a run in the next slot, unless it is due before that.
func (s *Schedule) catchUp(j *job, now time.Time, missed int) {
	if s.slot.Before(now) {
		s.slot = now
	}
	next := j.table.nextAfter(now)
	if j.catching = s.slot.Before(next); j.catching {
		next = s.slot
		s.slot = s.slot.Add(time.Second / CatchUpRate)
		missed--
	}
	j.missed = max(0, missed)
	s.enqueueJob(j, next)
}

// enqueueJob puts a stream into the queue, or takes it out where next is the zero time.
func (s *Schedule) enqueueJob(j *job, next time.Time) {
	if j.index >= 0 {
		heap.Remove(&s.waiting, j.index)
	}
	if j.next = next; !next.IsZero() {
		heap.Push(&s.waiting, j)
	}
}

// Names returns the streams' names in order.
func (s *Schedule) Names() []string {
	names := slices.Sorted(maps.Keys(s.jobs))
	return slices.DeleteFunc(names, func(name string) bool { return s.jobs[name].removed })
}
