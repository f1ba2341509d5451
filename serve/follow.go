package serve

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/sleep"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// lingerTime is how long a stream is held open after its last viewer has
	// left: pages are reloaded.
	lingerTime = 10 * time.Second
	// stallTime is longer than GOPs and HLS segments are. A stream that brings no
	// keyframe for this long has stalled.
	stallTime = time.Minute
	// followBytes is practically unlimited: packages rtsp and hls bound each keyframe.
	followBytes = 1 << 50
	// minGap is the least time between two live keyframes: ten pictures a second.
	minGap = 100 * time.Millisecond
)

var errStalled error = &neterror.TimeoutError{What: "no keyframe", Limit: stallTime}

// audience counts the viewers of a stream and has it followed while there are
// any, and for lingerTime after the last has left.
type audience struct {
	follow func(context.Context)
	ended  func() // called after the stream is no longer followed

	turn    sync.Mutex // held while follow runs: two could overlap
	running sync.WaitGroup

	mu      sync.Mutex
	viewers int
	stop    context.CancelCauseFunc // ends follow; nil if the stream is not followed
	linger  *time.Timer             // calls endIfIdle; nil before the first use
	until   time.Time               // when linger is to end the stream
	closed  bool
}

func newAudience(follow func(context.Context), ended func()) *audience {
	return &audience{follow: follow, ended: ended}
}

// join adds a viewer until leave is called.
func (a *audience) join() (leave func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.viewers++
	if a.linger != nil {
		a.linger.Stop()
	}

	if a.stop == nil && !a.closed {
		ctx, stop := context.WithCancelCause(context.Background())
		a.stop = stop
		a.running.Go(func() {
			a.turn.Lock()
			defer a.turn.Unlock()
			a.follow(ctx)
		})
	}
	return a.leave
}

func (a *audience) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.viewers--
	if a.viewers > 0 || a.closed {
		return
	}
	a.until = time.Now().Add(lingerTime)
	if a.linger == nil {
		a.linger = time.AfterFunc(lingerTime, func() { a.endIfIdle(time.Now()) })
	} else {
		a.linger.Reset(lingerTime)
	}
}

// endIfIdle stops following if, at now, there have been no viewers for lingerTime.
// A timer that has fired already may call it after others have come and gone.
func (a *audience) endIfIdle(now time.Time) {
	a.mu.Lock()
	idle := a.viewers == 0 && a.stop != nil && !now.Before(a.until)
	if idle {
		a.stop(errAbandoned)
		a.stop = nil
	}
	a.mu.Unlock()
	if idle {
		a.ended()
	}
}

// count returns the number of viewers and whether the stream is followed.
func (a *audience) count() (viewers int, followed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.viewers, a.stop != nil
}

// close stops following for good and waits for the end of that.
func (a *audience) close() {
	a.mu.Lock()
	a.closed = true
	if a.stop != nil {
		a.stop(errClosed)
	}
	if a.linger != nil {
		a.linger.Stop()
	}
	a.mu.Unlock()
	a.running.Wait()
}

// follow receives keyframes until ctx is done. It opens a lost stream again
// after the pause that its failure calls for.
func (c *camera) follow(ctx context.Context) {
	c.connection.closeIdle()
	for ctx.Err() == nil {
		n, err := c.receive(ctx)
		if ctx.Err() != nil {
			return
		}

		pause := firstPause
		if recordingEnded := n > 0 && errors.Is(err, keyframe.ErrNotFound); !recordingEnded {
			c.fail(err)
			s := c.Status()
			pause = s.retryPause()
		}

		select {
		case <-c.retryNow: // sent before the stream was lost
		default:
		}
		again := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-again.C:
		case <-c.retryNow:
		case <-ctx.Done():
		}
		again.Stop()
	}
}

// receive opens the stream and notes its keyframes until the stream is lost. It
// returns their number.
func (c *camera) receive(ctx context.Context) (n int, err error) {
	defer c.record.update(func(s *status) { s.live = false })
	o := c.conf.Options
	o.MaxBytes, o.RTSP.KeyframeTimeout = followBytes, stallTime
	o = o.For(c.conf.URL)
	stream, err := kfgrab.Open(c.conf.URL, &o)
	if err != nil {
		return 0, err
	}
	defer stream.Close()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	notDone := neterror.NotDone(c.conf.Timeout)
	stalled := time.AfterFunc(c.conf.Timeout, func() { cancel(notDone) })
	defer func() { stalled.Stop() }()

	var pace pace
	var before int64
	for snap, err := range stream.Keyframes(ctx) {
		stalled.Stop()
		spent := stream.Spent().Down
		c.addBytes(spent - before)
		if err != nil {
			return n, err
		}
		n++
		snap.Cost.Down = spent - before
		before = spent

		if !sleep.For(ctx, pace.wait(time.Now(), snap.Frame.PTS)) {
			return n, context.Cause(ctx)
		}
		c.addKeyframe(snap, stream, true)
		stalled = time.AfterFunc(stallTime, func() { cancel(errStalled) })
	}
	return n, context.Cause(ctx)
}

// pace spaces the keyframes of a recording, and of an HLS segment, by their
// timestamps. The zero value is ready.
type pace struct {
	last time.Time // when the last picture was due
	pts  time.Duration
}

// wait returns how long a picture that arrives now has to wait. Pictures of a
// live stream need not wait; each makes up a fiftieth of its interval if an
// earlier one had to.
func (p *pace) wait(now time.Time, pts time.Duration) time.Duration {
	due := now
	if !p.last.IsZero() {
		gap := minGap
		if step := pts - p.pts; pts != keyframe.NoPTS && p.pts != keyframe.NoPTS && step <= stallTime/2 {
			gap = max(gap, step-step/50)
		}
		if next := p.last.Add(gap); next.After(due) {
			due = next
		}
	}
	p.last, p.pts = due, pts
	return due.Sub(now)
}
