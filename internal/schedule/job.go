package schedule

import (
	"math"
	"strings"
	"time"
)

const (
	// FirstRetry is the longest wait after the first failure, where the stream is not
	// due before that.
	FirstRetry = time.Minute
	// MaxRetry bounds the waits of a stream that is due more often; they double up to
	// there. For another, the bound is its own interval.
	MaxRetry = 5 * time.Minute
)

// job is one stream of a Schedule.
type job struct {
	name     string
	rule     Rule
	table    timetable
	state    State
	next     time.Time // zero: not in the queue
	index    int       // in the queue, else −1
	running  bool
	removed  bool // while running
	catching bool // next is no time of table
	missed   int  // what the next run makes up for
}

func (j *job) startRun(now time.Time) Run {
	run := Run{Name: j.name, Due: j.next, Missed: j.missed}
	j.state.Due, j.state.Started = j.next, now
	j.state.Missed += int64(j.missed)
	j.running, j.catching, j.missed = true, false, 0
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
	j.state.Succeeded, j.state.Failures = now, 0
	return skipped
}

// plannedAfter returns when a stream that does not run is to run next. A time that it has run
// for is not taken again where the clock was set back by little.
func (j *job) plannedAfter(now time.Time) time.Time {
	if j.state.Failures > 0 {
		return j.retryAfter(now)
	}
	if due := j.state.Due; due.After(now) && due.Sub(now) <= gapAfter(j.table, now)/2 {
		return j.table.nextAfter(due)
	}
	return j.table.nextAfter(now)
}

// longestWait is the longest wait that planned comes to.
func (j *job) longestWait(now time.Time) time.Duration {
	interval := gapAfter(j.table, now)
	most := interval
	if j.state.Failures > 0 {
		most = max(interval, MaxRetry)
	}
	return most + min(interval/2, math.MaxInt64-most)
}

// retryAfter returns when a stream that has failed is tried again. Waits that are shorter
// than its interval end somewhere in their second half, as failures come in flocks;
// others end when the stream is due, which is spread already.
func (j *job) retryAfter(now time.Time) time.Time {
	interval := gapAfter(j.table, now)
	wait, most := min(interval, FirstRetry), max(interval, MaxRetry)
	for range j.state.Failures - 1 {
		if wait >= most/2 {
			wait = most
			break
		}
		wait *= 2
	}
	due := j.table.nextAfter(now)
	if wait >= interval {
		return j.table.nextAfter(now.Add(wait - interval/2))
	}
	again := now.Add(wait/2 + offsetOf(j.name+strings.Repeat("!", j.state.Failures), wait/2))
	if due.IsZero() || again.Before(due) {
		return again
	}
	return due
}

// queue is a heap of jobs, the earliest first. Names keep it the same for the same times.
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
