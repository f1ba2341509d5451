package serve

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/sleep"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// lingerTime is how long a stream is followed for nobody: pages are reloaded.
	lingerTime = 10 * time.Second
	// stallTime is longer than GOPs and HLS segments are: a stream that gives no keyframe
	// for so long stands still.
	stallTime = time.Minute
	// followBytes is no bound: one for each keyframe is what packages rtsp and hls have.
	followBytes = 1 << 50
)

var errStalled error = &neterror.TimeoutError{What: "no keyframe", Limit: stallTime}

// watch has every keyframe of the stream received until leave is called, and a while
// longer: one connection for all who watch. Meanwhile nothing is grabbed.
func (c *camera) watch() (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewers++
	if c.unfollow == nil && !c.closed {
		ctx, cancel := context.WithCancelCause(context.Background())
		c.unfollow = cancel
		c.followers.Go(func() { c.follow(ctx) })
	}
	return c.unwatch
}

func (c *camera) unwatch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.viewers--; c.viewers == 0 && !c.closed {
		c.linger = time.AfterFunc(lingerTime, c.rested)
	}
}

// rested ends the reception that nobody watches.
func (c *camera) rested() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.viewers == 0 && c.unfollow != nil {
		c.unfollow(errAbandoned)
		c.unfollow = nil
		c.changed.tell()
	}
}

// follow receives keyframes until ctx is done. A stream that is lost is opened again,
// after the pause that the failure stands for.
func (c *camera) follow(ctx context.Context) {
	c.turn.Lock() // one that is to end may still be at it
	defer c.turn.Unlock()
	c.disconnect()
	for ctx.Err() == nil {
		n, err := c.receive(ctx)
		pause := firstPause
		switch ended := n > 0 && errors.Is(err, keyframe.ErrNotFound); { // a recording
		case ctx.Err() != nil:
			return
		case !ended:
			c.fail(err)
			pause = c.pause()
		}
		select {
		case <-c.poked: // while it was not down
		default:
		}
		again := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-again.C:
		case <-c.poked:
		case <-ctx.Done():
		}
		again.Stop()
	}
}

// receive takes the keyframes of one connection in. It returns their number.
func (c *camera) receive(ctx context.Context) (n int, err error) {
	defer c.lost()
	o := c.conf.Options
	o.MaxBytes, o.RTSP.KeyframeTimeout = followBytes, stallTime
	stream, err := kfgrab.Open(c.conf.URL, &o)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	first := neterror.NotDone(c.conf.Timeout)
	stalled := time.AfterFunc(c.conf.Timeout, func() { cancel(first) })
	defer func() { stalled.Stop() }()
	var pace pace
	var before int64
	for snap, err := range stream.Keyframes(ctx) {
		stalled.Stop()
		spent := stream.Spent().Down
		c.spent(spent - before)
		if err != nil {
			return n, err
		}
		n++
		snap.Cost.Down, before = spent-before, spent
		if !sleep.For(ctx, pace.wait(time.Now(), snap.Frame.PTS)) {
			return n, context.Cause(ctx)
		}
		c.arrive(snap, stream, true)
		stalled = time.AfterFunc(stallTime, func() { cancel(errStalled) })
	}
	return n, context.Cause(ctx)
}

// lost has requests wait, or fail, until there is a connection again.
func (c *camera) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = false
}

// connecting says whether a keyframe is to come without a grab.
func (c *camera) connecting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unfollow != nil
}

// await returns what the reception brings next. One that is down is tried again now. Where
// it ends meanwhile, there is a grab.
func (c *camera) await(ctx context.Context, maxAge time.Duration) (sight, error) {
	ctx, cancel := neterror.WithTimeout(ctx, c.conf.Timeout)
	defer cancel()
	select {
	case c.poked <- struct{}{}:
	default:
	}
	for {
		changed := c.changed.next()
		if s, err, known := c.known(time.Now(), maxAge); known {
			return s, err
		}
		if !c.connecting() {
			return c.grabs.do(ctx, struct{}{}, c.grab)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return sight{}, context.Cause(ctx)
		}
	}
}

// minGap bounds what is decoded for those who watch: ten pictures a second.
const minGap = 100 * time.Millisecond

// pace has the keyframes of a recording, and those of an HLS segment, come as they would
// be seen. The zero value is ready.
type pace struct {
	last time.Time // when the last picture was let through
	pts  time.Duration
}

// wait returns how long a picture that comes now is to wait. Those of a live stream, where
// time goes by as its pictures say, do not: what they have waited once is made good for
// by a fiftieth.
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
