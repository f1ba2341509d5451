package schedule

import (
	"math"
	"strings"
	"time"
)

// job is a stream of a Schedule.
type job struct {
	name     string
	rule     Rule
	retry    Retry
	table    timetable
	state    State
	next     time.Time // zero: not in the queue
	index    int       // in the queue, else −1
	running  bool
	removed  bool // while running
	catching bool // next is a slot, not from table
	missed   int  // the runs that the next one makes up for
}

func (j *job) startRun(now time.Time) Run {
	run := Run{Name: j.name, Due: j.next, Missed: j.missed}
	j.state.Due = j.next
	j.state.Started = now
	j.state.Missed += int64(j.missed)
	j.running = true
	j.catching = false
	j.missed = 0
	return run
}

func (j *job) endRun(now time.Time, ok bool) (skipped int) {
	skipped = countBetween(j.table, j.state.Due, now)
	j.running = false
	j.state.Ended = now
	j.state.Skipped += int64(skipped)
	if !ok {
		j.state.Failures++
		return skipped
	}
	j.state.Succeeded = now
	j.state.Failures = 0
	return skipped
}

// maxLateness returns how late a run may start. A later one counts as missed.
func (j *job) maxLateness() time.Duration {
	if j.isCron() {
		return cronMinute - 1
	}
	return min(maxLate, gapAfter(j.table, j.next)/2)
}

// isCron reports whether the stream is due at minutes of the clock. It then never makes
// up for a run that it has missed.
func (j *job) isCron() bool { return j.rule.Cron != "" }

// isStaggered reports whether the stream shares its minute with others by slots. With
// Rule.Spread its offset does that.
func (j *job) isStaggered() bool { return j.isCron() && j.rule.Spread == 0 && !j.catching }

// plannedAfter returns the next run of a stream that does not run. If the clock was set
// back a little, it does not return the time of the last run again.
func (j *job) plannedAfter(now time.Time) time.Time {
	if j.state.Failures > 0 {
		return j.retryAfter(now)
	}
	if due := j.state.Due; due.After(now) && due.Sub(now) <= gapAfter(j.table, now)/2 {
		return j.table.nextAfter(due)
	}
	return j.table.nextAfter(now)
}

// longestWait returns the longest wait that plannedAfter can return.
func (j *job) longestWait(now time.Time) time.Duration {
	interval := gapAfter(j.table, now)
	most := interval
	if j.state.Failures > 0 {
		_, longest := j.retry.bounds(interval)
		most = max(interval, longest)
	}
	return most + min(interval/2, math.MaxInt64-most)
}

// retryAfter returns when a stream that failed is tried again. A wait shorter than its
// interval ends somewhere in its second half, because streams fail together. A longer
// one ends at the last time at which the stream is due within it, which is spread already.
func (j *job) retryAfter(now time.Time) time.Time {
	interval := gapAfter(j.table, now)
	wait := j.retry.waitAfter(j.state.Failures, interval)
	if wait >= interval {
		return j.table.nextAfter(now.Add(wait - interval))
	}

	due := j.table.nextAfter(now)
	again := now.Add(wait/2 + offsetOf(j.name+strings.Repeat("!", j.state.Failures), wait/2))
	if due.IsZero() || again.Before(due) {
		return again
	}
	return due
}

// queue is a heap of jobs, the earliest first. Jobs of the same time are ordered by name.
type queue []*job

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, k int) bool {
	if !q[i].next.Equal(q[k].next) {
		return q[i].next.Before(q[k].next)
	}
	return q[i].name < q[k].name
}

func (q queue) Swap(i, k int) {
	q[i], q[k] = q[k], q[i]
	q[i].index, q[k].index = i, k
}

func (q *queue) Push(x any) {
	j := x.(*job)
	j.index = len(*q)
	*q = append(*q, j)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	j := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	j.index = -1
	return j
}
