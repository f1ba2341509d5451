package serve

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
)

// idleTime is how long the connection to a stream is kept for the next grab.
const idleTime = time.Minute

// grab is the work of camera.grabs: one runs at a time.
func (c *camera) grab(ctx context.Context) (delivery, error) {
	s := c.Status()
	if d, err, ok := s.answer(time.Now(), minAge, &c.conf); ok { // another has just ended
		d.state = fresh
		return d, err
	}

	// The timeout starts after the queue, which is not the stream's fault.
	leave, err := c.gate.Enter(ctx, schedule.HostOf(c.conf.URL), s.failure != nil)
	if err != nil {
		return delivery{}, c.failUnlessEnded(ctx, err)
	}
	defer leave()
	defer c.connection.release()
	stream, err := c.connection.open(&c.conf)
	if err != nil {
		return delivery{}, c.fail(err)
	}

	began := time.Now()
	defer func() { c.onGrab(time.Since(began)) }()
	ctx, cancel := neterror.WithTimeout(ctx, c.conf.Timeout)
	defer cancel()
	before := stream.Spent()
	snap, err := c.takeSnapshot(ctx, stream)
	c.addBytes(stream.Spent().Down - before.Down)

	if errors.Is(err, keyframe.ErrNotModified) {
		return c.confirmLast(), nil
	}
	if err != nil {
		c.connection.discard()
		return delivery{}, c.failUnlessEnded(ctx, err)
	}
	return c.addKeyframe(snap, stream, false), nil
}

// takeSnapshot takes the newest keyframe, or a later one that is not blank.
func (c *camera) takeSnapshot(ctx context.Context, stream *kfgrab.Stream) (*kfgrab.Snapshot, error) {
	o := c.conf.Picture
	o.FrameOnly = true
	taken, err := picture.Take(ctx, c.pool, stream, &o)
	if err != nil {
		return nil, err
	}
	return taken.Snapshot, nil
}

// probe finds out what renditions the stream has, which takes at most one
// keyframe each, and keeps the result.
func (c *camera) probe(ctx context.Context) error {
	_, err := c.probes.do(ctx, struct{}{}, func(ctx context.Context) ([]kfgrab.Rendition, error) {
		s := c.Status()
		leave, err := c.gate.Enter(ctx, schedule.HostOf(c.conf.URL), s.failure != nil)
		if err != nil {
			return nil, err
		}
		defer leave()

		ctx, cancel := neterror.WithTimeout(ctx, c.conf.Timeout)
		defer cancel()
		stream, err := kfgrab.Open(c.conf.URL, &c.conf.Options)
		if err != nil {
			return nil, err
		}
		defer stream.Close()

		list, err := stream.Probe(ctx)
		c.addBytes(stream.Spent().Down)
		if err == nil {
			c.record.update(func(s *status) { s.renditions = list })
		}
		return list, err
	})
	return err
}

// connection is a stream that stays open between grabs.
type connection struct {
	mu     sync.Mutex
	stream *kfgrab.Stream // nil if there is none
	inUse  bool
	idle   *time.Timer // calls closeIdle; nil before the first release
}

// open returns the stream to grab from. While it stays open, it does not
// deliver a keyframe twice.
func (c *connection) open(conf *Stream) (*kfgrab.Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.inUse = true
	if c.idle != nil {
		c.idle.Stop()
	}
	if c.stream != nil {
		return c.stream, nil
	}

	o := conf.Options
	o.IfNewer = true
	var err error
	c.stream, err = kfgrab.Open(conf.URL, &o)
	return c.stream, err
}

// release keeps the stream open for idleTime.
func (c *connection) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inUse = false
	if c.idle == nil {
		c.idle = time.AfterFunc(idleTime, c.closeIdle)
	} else {
		c.idle.Reset(idleTime)
	}
}

// discard closes the stream of a failed grab: it may have received a keyframe,
// now lost, that it would not deliver again.
func (c *connection) discard() {
	c.mu.Lock()
	stream := c.stream
	c.stream = nil
	c.mu.Unlock()
	stream.Close()
}

// closeIdle closes the stream unless it is in use.
func (c *connection) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream != nil && !c.inUse {
		c.stream.Close()
		c.stream = nil
	}
}

// close closes the stream for good. No grab may be under way.
func (c *connection) close() {
	c.mu.Lock()
	if c.idle != nil {
		c.idle.Stop()
	}
	c.mu.Unlock()
	c.closeIdle()
}
