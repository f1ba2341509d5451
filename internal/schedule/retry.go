package schedule

import (
	"errors"
	"fmt"
	"time"
)

// Retry says how soon a stream is tried again after it failed. The waits double, from
// First to Longest. 0 means the default of a field.
//
// By default the first wait is the interval, or a minute if that is shorter. The longest
// is the interval, too, or four intervals if those are shorter than five minutes: a
// stream of 20 seconds waits up to 80 seconds, one of an hour up to an hour.
type Retry struct {
	First   time.Duration
	Longest time.Duration
}

const (
	// defaultFirstRetry is the longest wait after the first failure by default.
	defaultFirstRetry = time.Minute
	// defaultLongestRetry bounds the default waits of a stream with a shorter interval.
	defaultLongestRetry = 5 * time.Minute
	// retryIntervals bounds the default waits of a stream in intervals: one that is
	// expected every few seconds is missed within as many.
	retryIntervals = 4
)

// Validate returns an error if r is invalid.
func (r Retry) Validate() error {
	for _, wait := range []time.Duration{r.First, r.Longest} {
		if wait != 0 && (wait < MinEvery || wait > MaxEvery) {
			return fmt.Errorf("a wait of %v after a failure is out of bounds: want %v to %v", wait, MinEvery, MaxEvery)
		}
	}
	if r.Longest > 0 && r.First > r.Longest {
		return errors.New("the first wait after a failure is longer than the longest")
	}
	return nil
}

// bounds returns the first and the longest wait of a stream with this interval.
func (r Retry) bounds(interval time.Duration) (first, longest time.Duration) {
	first, longest = min(interval, defaultFirstRetry), defaultLongestRetry
	if interval < defaultLongestRetry/retryIntervals {
		longest = retryIntervals * interval
	}
	longest = max(interval, longest)

	if r.First > 0 {
		first = r.First
		longest = max(first, longest)
	}
	if r.Longest > 0 {
		longest = r.Longest
		first = min(first, longest)
	}
	return first, longest
}

// waitAfter returns the longest wait after this many failures in a row.
func (r Retry) waitAfter(failures int, interval time.Duration) time.Duration {
	wait, longest := r.bounds(interval)
	for range failures - 1 {
		if wait >= longest/2 {
			return longest
		}
		wait *= 2
	}
	return wait
}
