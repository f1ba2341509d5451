package watch

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// runClock is the context of a run with its time limit. Its clock can be stopped while
// the run waits for something that is not the stream's fault.
type runClock struct {
	context.Context
	// done makes contexts below take Err from here. It differs from that of Context.
	done   chan struct{}
	cancel context.CancelCauseFunc
	limit  time.Duration

	mu    sync.Mutex
	timer *time.Timer
	ends  time.Time // when the time is up unless the clock is stopped
}

// clockKey is the key under which a context has its runClock.
type clockKey struct{}

// startClock returns a context that ends with ctx or after limit, not counting the time
// for which its clock is stopped. Call release at the end.
func startClock(ctx context.Context, limit time.Duration) (c *runClock, release func()) {
	inner, cancel := context.WithCancelCause(ctx)
	c = &runClock{Context: inner, done: make(chan struct{}), cancel: cancel, limit: limit, ends: time.Now().Add(limit)}
	context.AfterFunc(inner, func() { close(c.done) })
	c.timer = time.AfterFunc(limit, c.expire)
	return c, func() {
		c.timer.Stop()
		cancel(nil)
	}
}

func (c *runClock) expire() { c.cancel(neterror.NotDone(c.limit)) }

// stop stops the clock. resume lets it go on with the time that was left.
func (c *runClock) stop() (resume func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.timer.Stop() {
		return func() {} // the time is up
	}
	left := time.Until(c.ends)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ends = time.Now().Add(left)
		c.timer.Reset(left)
	}
}

// Deadline returns when the time is up if the clock is not stopped again.
func (c *runClock) Deadline() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ends, true
}

// Done returns a channel that is closed at the end.
func (c *runClock) Done() <-chan struct{} { return c.done }

// Err returns context.DeadlineExceeded after the time is up.
func (c *runClock) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	if errors.Is(context.Cause(c.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}

// Value finds the clock itself in contexts below.
func (c *runClock) Value(key any) any {
	if key == (clockKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// queuedDecoder has a bounded number of places. Runs that wait for one, because others
// decode, do not wait at the cost of their own time.
type queuedDecoder struct {
	decoder picture.Decoder
	places  chan struct{}
}

func newQueuedDecoder(d picture.Decoder, places int) *queuedDecoder {
	return &queuedDecoder{d, make(chan struct{}, places)}
}

// Decode waits for a place, then decodes.
func (d *queuedDecoder) Decode(ctx context.Context, w io.Writer, f *keyframe.Frame, o decode.Output) error {
	if err := d.takePlace(ctx); err != nil {
		return err
	}
	defer func() { <-d.places }()
	return d.decoder.Decode(ctx, w, f, o)
}

func (d *queuedDecoder) takePlace(ctx context.Context) error {
	if clock, ok := ctx.Value(clockKey{}).(*runClock); ok {
		defer clock.stop()()
	}
	select {
	case d.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
