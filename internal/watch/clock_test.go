package watch

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// The time for which a clock is stopped does not count, and all other time does.
func TestClockStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock, release := startClock(t.Context(), time.Minute)
		defer release()
		below, cancel := context.WithCancel(clock)
		defer cancel()
		time.Sleep(40 * time.Second)
		resume := clock.stop()
		time.Sleep(time.Hour)
		if below.Err() != nil {
			t.Error("a stopped clock has ended")
		}
		resume()
		time.Sleep(19 * time.Second)
		synctest.Wait()
		if end, _ := clock.Deadline(); below.Err() != nil || time.Until(end) != time.Second {
			t.Errorf("%v, %v left", below.Err(), time.Until(end))
		}
		<-below.Done()
		if time.Until(mustDeadline(clock)) != 0 || !errors.Is(below.Err(), context.DeadlineExceeded) || context.Cause(below).Error() != "not done within 1m" {
			t.Errorf("%v, %v", below.Err(), context.Cause(below))
		}
	})
}

func mustDeadline(c *runClock) time.Time {
	end, _ := c.Deadline()
	return end
}

// The end of the context ends a clock, even a stopped one.
func TestClockEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		clock, release := startClock(ctx, time.Minute)
		defer release()
		clock.stop()
		cancel(errStopped)
		<-clock.Done()
		if !errors.Is(context.Cause(clock), errStopped) || !errors.Is(clock.Err(), context.Canceled) {
			t.Errorf("%v, %v", clock.Err(), context.Cause(clock))
		}
	})
}

// blockingDecoder blocks until it is released, as if others used the processor.
type blockingDecoder struct{ entered, release chan struct{} }

func (d *blockingDecoder) Decode(ctx context.Context, w io.Writer, _ *keyframe.Frame, _ decode.Output) error {
	d.entered <- struct{}{}
	select {
	case <-d.release:
		_, err := w.Write([]byte{0, 0, 0})
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A run that waits while others decode does not lose its keyframe, however long that is.
// Decoding itself is within its time.
func TestDecoderQueueIsFree(t *testing.T) {
	path := testmedia.Make(t, "h264.ts")
	synctest.Test(t, func(t *testing.T) {
		d := &blockingDecoder{make(chan struct{}), make(chan struct{})}
		queue := newQueuedDecoder(d, 1)
		outcomes := make(chan *Outcome)
		start := func(timeout time.Duration) {
			e, err := newEngine(Stream{
				Name: "cam", URL: path, Timeout: timeout,
				Picture: picture.Options{Format: picture.RGB24, Output: decode.Output{Width: 1, Height: 1}},
			}, queue, "")
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer e.closeSource()
				o := new(Outcome)
				e.captureShot(t.Context(), o)
				outcomes <- o
			}()
		}

		start(24 * time.Hour)
		<-d.entered
		start(time.Second)
		synctest.Wait() // the second one waits for the decoder
		time.Sleep(time.Hour)
		d.release <- struct{}{}
		if o := <-outcomes; o.Err != nil {
			t.Errorf("the first: %v", o.Err)
		}
		<-d.entered
		d.release <- struct{}{}
		if o := <-outcomes; o.Err != nil {
			t.Errorf("the second: %v", o.Err)
		}

		start(time.Second)
		<-d.entered
		if o := <-outcomes; o.Class() != kfgrab.Timeout {
			t.Errorf("a decoder that hangs: %v", o.Err)
		}
	})
}

// What is asked for belongs to the identity of a stored keyframe.
func TestFrameIDIncludesWhatIsAsked(t *testing.T) {
	f := &keyframe.Frame{Data: []byte("frame")}
	if frameID(f, "jpeg") == frameID(f, "png") {
		t.Error("a keyframe is not stored in another format")
	}
}
