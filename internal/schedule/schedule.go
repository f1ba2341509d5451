package schedule

import (
	"container/heap"
	"maps"
	"slices"
	"time"
)

const (
	// CatchUpRate is how many streams per second start if they have never run or have
	// missed a run: a thousand within a minute.
	CatchUpRate = 20

	// maxLate is how long the caller may be busy. Runs that are later count as missed.
	maxLate = 2 * time.Second

	// maxWait bounds the time until a changed clock is noticed.
	maxWait = time.Minute
)

// Schedule plans the runs of many streams. The zero value is empty. Only one goroutine at
// a time may use it.
type Schedule struct {
	jobs    map[string]*job
	waiting queue
	slot    time.Time // the next free one at CatchUpRate
	seen    time.Time // the last time that was passed
}

// Run is a run of a stream that is due.
type Run struct {
	Name string
	// Due is the planned time, including the stream's offset in the spread.
	Due time.Time
	// Missed is how many earlier runs this one makes up for.
	Missed int
}

// Set adds the stream with this name or changes its rule. state is for a stream that is
// added: its stored state or the zero value. An added stream with an interval that has
// never run or has missed a run runs as soon as possible, all others when they are due.
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

	j.rule, j.table = rule, table
	j.removed, j.catching = false, false
	j.missed = 0
	if !j.running {
		s.enqueueJob(j, j.plannedAfter(now))
	}
	return nil
}

// SetRetry changes how soon a stream is tried again after its next failure. It does
// nothing for a stream that is not in s.
func (s *Schedule) SetRetry(name string, retry Retry) {
	if j := s.jobs[name]; j != nil {
		j.retry = retry
	}
}

// Remove removes the stream with this name. Its run, if any, goes on; if the stream is
// added again, it is not due before that run has ended.
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

// Due returns the runs to start now, the longest due first. Their streams count as
// running until Done is called for them.
func (s *Schedule) Due(now time.Time) []Run {
	now = s.observeTime(now)
	var runs []Run
	var staggered []*job
	for len(s.waiting) > 0 && !s.waiting[0].next.After(now) {
		j := s.waiting[0]
		switch {
		case now.Sub(j.next) > j.maxLateness():
			s.catchUp(j, now, j.missed+countBetween(j.table, j.next.Add(-1), now))
			continue
		case j.isStaggered() && len(runs) > 0:
			staggered = append(staggered, j)
		default:
			runs = append(runs, j.startRun(now))
		}
		s.enqueueJob(j, time.Time{})
	}
	s.stagger(staggered, now)
	return runs
}

// stagger gives streams whose cron lines are due in the same minute a slot each, all
// within that minute.
func (s *Schedule) stagger(jobs []*job, now time.Time) {
	left := now.Truncate(cronMinute).Add(cronMinute).Sub(now)
	step := min(time.Second/CatchUpRate, left/time.Duration(len(jobs)+1))
	for i, j := range jobs {
		j.catching = true
		s.enqueueJob(j, now.Add(time.Duration(i+1)*step))
	}
}

// Done records that the run of a stream has ended, and whether it succeeded. It returns
// how many runs came due meanwhile and are skipped. It does nothing for a stream that
// does not run.
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

// Wait returns the time until Due has something to return. It is at most a minute,
// because the clock may be set meanwhile: call Due after it.
func (s *Schedule) Wait(now time.Time) time.Duration {
	now = s.observeTime(now)
	if len(s.waiting) == 0 {
		return maxWait
	}
	return min(max(0, s.waiting[0].next.Sub(now)), maxWait)
}

// Next returns the planned time of the next run of a stream, the zero time if there is
// none or the stream runs.
func (s *Schedule) Next(name string) time.Time {
	if j := s.jobs[name]; j != nil {
		return j.next
	}
	return time.Time{}
}

// State returns the state of a stream to be stored, the zero value if there is none.
func (s *Schedule) State(name string) State {
	if j := s.jobs[name]; j != nil && !j.removed {
		return j.state
	}
	return State{}
}

// observeTime returns now without its monotonic reading, which hides that the clock was
// set. If the clock was set back, it plans streams again that would now wait too long.
// Other streams would run twice for one planned time.
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
		case j.catching && !j.isCron():
			s.catchUp(j, now, j.missed)
		case j.next.Sub(now) > j.longestWait(now):
			s.enqueueJob(j, j.plannedAfter(now))
		}
	}
	return now
}

// resumeJob plans the first run of an added stream.
func (s *Schedule) resumeJob(j *job, now time.Time) {
	st := &j.state
	switch {
	case j.rule.Never():
		return
	case st.Due.IsZero() && j.isCron():
		s.enqueueJob(j, j.table.nextAfter(now))
		return
	case st.Due.IsZero():
		s.catchUp(j, now, 0)
		return
	}

	missed := countBetween(j.table, st.Due, now) // 0 if the clock was set back
	if j.isCron() {
		j.missed = missed
		s.enqueueJob(j, j.plannedAfter(now))
		return
	}
	retry := st.Failures > 0 && !st.Due.After(now) // the cause may be gone
	if missed > 0 || retry {
		s.catchUp(j, now, missed)
		return
	}
	s.enqueueJob(j, j.table.nextAfter(now))
}

// catchUp plans a run in the next slot, unless it is due before that. A cron line's run
// waits until it is due.
func (s *Schedule) catchUp(j *job, now time.Time, missed int) {
	if j.isCron() {
		j.catching = false
		j.missed = missed
		s.enqueueJob(j, j.table.nextAfter(now))
		return
	}
	if s.slot.Before(now) {
		s.slot = now
	}

	next := j.table.nextAfter(now)
	j.catching = s.slot.Before(next)
	if j.catching {
		next = s.slot
		s.slot = s.slot.Add(time.Second / CatchUpRate)
		missed--
	}
	j.missed = max(0, missed)
	s.enqueueJob(j, next)
}

// enqueueJob puts a stream into the queue, or takes it out if next is the zero time.
func (s *Schedule) enqueueJob(j *job, next time.Time) {
	if j.index >= 0 {
		heap.Remove(&s.waiting, j.index)
	}
	j.next = next
	if !next.IsZero() {
		heap.Push(&s.waiting, j)
	}
}

// Names returns the names of the streams in order.
func (s *Schedule) Names() []string {
	names := slices.Sorted(maps.Keys(s.jobs))
	return slices.DeleteFunc(names, func(name string) bool { return s.jobs[name].removed })
}

// State is the part of a stream's history that is worth keeping when the process ends.
// Times are by the wall clock. The zero value is for a stream that has never run.
type State struct {
	// Due is the planned time of the last run.
	Due time.Time `json:"due,omitzero"`
	// Started and Ended are of the last run; Ended is before Started while it runs.
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Succeeded is the end of the last run that succeeded.
	Succeeded time.Time `json:"succeeded,omitzero"`
	// Failures counts the runs since then.
	Failures int `json:"failures,omitempty"`
	// Skipped counts runs that came due while the stream ran. Missed counts runs that
	// came due while the process was down or asleep, or that a clock set forward skipped.
	Skipped int64 `json:"skipped,omitempty"`
	Missed  int64 `json:"missed,omitempty"`
}
