package serve

import (
	"context"
	"errors"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// grab is the work of c.grabs: of one at a time.
func (c *camera) grab(ctx context.Context) (sight, error) {
	if s, err, known := c.known(time.Now(), minAge); known { // another has just ended
		s.state = fresh
		return s, err
	}
	leave, err := c.gate.Enter(ctx, c.host, c.failing()) // a queue is not the stream's fault: its time begins behind
	if err != nil {
		return sight{}, c.failedIn(ctx, err)
	}
	defer leave()
	defer c.rest()
	stream, err := c.open()
	if err != nil {
		return sight{}, c.fail(err)
	}
	defer func(began time.Time) { c.took(time.Since(began)) }(time.Now())
	ctx, cancel := neterror.WithTimeout(ctx, c.conf.Timeout)
	defer cancel()
	before := stream.Spent()
	snap, err := c.snap(ctx, stream)
	c.spent(stream.Spent().Down - before.Down)
	if errors.Is(err, keyframe.ErrNotModified) {
		return c.same(), nil
	}
	if err != nil {
		c.discard()
		return sight{}, c.failedIn(ctx, err)
	}
	return c.arrive(snap, stream, false), nil
}

// discard closes the connection of a grab that has failed: what it has delivered, and would
// not bring again, is lost.
func (c *camera) discard() {
	c.mu.Lock()
	stream := c.stream
	c.stream = nil
	c.mu.Unlock()
	stream.Close()
}

// snap takes the newest keyframe, or a later one that is not blank.
func (c *camera) snap(ctx context.Context, stream *kfgrab.Stream) (*kfgrab.Snapshot, error) {
	o := c.conf.Picture
	o.FrameOnly = true
	taken, err := picture.Take(ctx, c.pool, stream, &o)
	if err != nil {
		return nil, err
	}
	return taken.Snapshot, nil
}

// open returns the stream to grab from. Of what it has delivered already it brings nothing
// again, as long as that is here.
func (c *camera) open() (*kfgrab.Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grabbing = true
	if c.idle != nil {
		c.idle.Stop()
	}
	if c.stream != nil {
		return c.stream, nil
	}
	o := c.conf.Options
	o.IfNewer = true
	var err error
	c.stream, err = kfgrab.Open(c.conf.URL, &o)
	return c.stream, err
}

// rest keeps the connection for a while.
func (c *camera) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grabbing = false
	c.idle = time.AfterFunc(idleTime, c.disconnect)
}

// disconnect closes a connection that is not in use.
func (c *camera) disconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream != nil && !c.grabbing {
		c.stream.Close()
		c.stream = nil
	}
}
