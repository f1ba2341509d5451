package serve

import (
	"context"
	"errors"
	"time"

	"github.com/kfgrab/kfgrab"
)

const (
	// firstPause and maxPause bound for how long a failure stands for the next one:
	// requests are then answered without bothering the stream's server.
	firstPause, maxPause = time.Second, 30 * time.Second
)

// failure is why there is no newer picture.
type failure struct {
	err   error
	since time.Time // of the first in a row
	at    time.Time // of the last
	count int       // in a row
}

// pause is how long f stands for the next grab, for requests of pictures up to maxAge.
// Wrong credentials stand for the whole of it, as cameras lock out who tries them often,
// but for who asks for a fresh picture.
func (f *failure) pause(maxAge time.Duration) time.Duration {
	if kfgrab.ClassOf(f.err) == kfgrab.Unauthorised && maxAge > minAge {
		return maxPause
	}
	return min(maxAge, firstPause<<min(f.count-1, 5), maxPause)
}

// pause is how long a reception that has failed is not tried again.
func (c *camera) pause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		return firstPause
	}
	return c.failed.pause(maxPause)
}

// failedIn takes the end of a grab in, unless it was not the stream's fault.
func (c *camera) failedIn(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errAbandoned) || errors.Is(cause, errClosed) {
		return cause
	}
	return c.fail(err)
}

// fail counts a failure.
func (c *camera) fail(err error) error {
	now := time.Now()
	c.mu.Lock()
	f := &failure{err: err, since: now, at: now, count: 1}
	if c.failed != nil {
		f.since, f.count = c.failed.since, c.failed.count+1
	}
	c.failed = f
	c.counts.grabs++
	c.counts.failures++
	c.counts.failed[kfgrab.ClassOf(err)]++
	c.mu.Unlock()
	c.told(c)
	return err
}

func (c *camera) failing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed != nil
}
