package serve

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// workshop holds what all cameras of a Server share.
type workshop struct {
	gate     *schedule.Gate
	pool     *decode.Pool
	software string
	onGrab   func(time.Duration)
	onChange func(*camera) // called after every change of a status
}

// camera is one stream.
type camera struct {
	*workshop
	conf  Stream // with defaults filled in
	given Stream // as configured
	cache *cache

	record     record     // what is known about the stream
	connection connection // kept for the next grab
	audience   *audience  // for which the stream is held open
	grabs      group[struct{}, delivery]
	probes     group[struct{}, []kfgrab.Rendition]

	changed  signal        // the status has
	warm     sync.Once     // from then on the stream is held open
	retryNow chan struct{} // has follow open a lost stream again at once
	gone     chan struct{} // closed by close
	end      func()        // closes gone
}

func newCamera(w *workshop, conf *Stream, cache *cache) *camera {
	c := &camera{workshop: w, conf: *conf, given: *conf, cache: cache, retryNow: make(chan struct{}, 1), gone: make(chan struct{})}
	c.conf.TTL = cmp.Or(conf.TTL, DefaultTTL)
	c.conf.Timeout = cmp.Or(conf.Timeout, DefaultTimeout)
	c.conf.RedactedURL = cmp.Or(conf.RedactedURL, redact.URL(conf.URL))
	c.conf.Picture.Name = conf.Name
	c.conf.Picture.Software = w.software
	c.conf.Picture.NoSource = true // viewers must not learn the camera's address

	c.audience = newAudience(c.follow, c.changed.broadcast)
	c.end = sync.OnceFunc(func() { close(c.gone) })
	return c
}

// close ends everything that the camera does, and waits for it.
func (c *camera) close() {
	c.end()
	c.audience.close()
	c.grabs.close()
	c.probes.close()
	c.connection.close()
}

// closeAll takes as long as the slowest camera.
func closeAll(list []*camera) {
	var all sync.WaitGroup
	for _, c := range list {
		all.Go(c.close)
	}
	all.Wait()
}

// Status returns what is known about the stream.
func (c *camera) Status() status {
	s := c.record.load()
	s.viewers, s.followed = c.audience.count()
	return s
}

// take returns the newest keyframe, at most as old as maxAge or minAge. It
// grabs one if it must, and joins a grab under way: the keyframe of that
// arrives after the request. For a stream that is held open, it returns the
// newest keyframe however old it is.
func (c *camera) take(ctx context.Context, maxAge time.Duration) (delivery, error) {
	maxAge = max(maxAge, minAge)
	s := c.Status()
	if d, err, ok := s.answer(time.Now(), maxAge, &c.conf); ok {
		return d, err
	}
	if s.followed {
		return c.awaitKeyframe(ctx, maxAge)
	}
	return c.grabs.do(ctx, struct{}{}, c.grab)
}

// awaitKeyframe returns the next keyframe of the open stream. A lost stream is
// opened again at once. If the stream has no viewers any more, awaitKeyframe grabs.
func (c *camera) awaitKeyframe(ctx context.Context, maxAge time.Duration) (delivery, error) {
	ctx, cancel := neterror.WithTimeout(ctx, c.conf.Timeout)
	defer cancel()
	select {
	case c.retryNow <- struct{}{}:
	default:
	}

	for {
		changed := c.changed.nextChange()
		s := c.Status()
		if d, err, ok := s.answer(time.Now(), maxAge, &c.conf); ok {
			return d, err
		}
		if !s.followed {
			return c.grabs.do(ctx, struct{}{}, c.grab)
		}

		select {
		case <-changed:
		case <-ctx.Done():
			return delivery{}, context.Cause(ctx)
		}
	}
}

// addKeyframe notes a new keyframe. live says whether more arrive without grabs.
func (c *camera) addKeyframe(snap *kfgrab.Snapshot, from *kfgrab.Stream, live bool) (d delivery) {
	next := &capture{id: strconv.FormatInt(snap.Taken.UnixNano(), 36), snapshot: snap, tracks: from.Tracks()}
	if r, ok := from.Rendition(); ok {
		next.rendition = &r
	}

	c.record.update(func(s *status) {
		if s.live {
			s.gap = snap.Taken.Sub(s.confirmed)
		}
		s.live = s.live || live
		if s.last != nil && isRepeated(s.last.snapshot, snap) {
			s.counts.unchanged++
			d = s.confirm(time.Now())
			return
		}

		s.counts.captures++
		next.number = s.counts.captures
		s.last = next
		d = s.confirm(snap.Taken)
	})
	c.onChange(c)
	return d
}

// isRepeated reports whether a new connection has brought the last keyframe
// again, as a playlist that has not grown does. Keyframes over RTSP are always
// new.
func isRepeated(last, snap *kfgrab.Snapshot) bool {
	a, b := last.Frame, snap.Frame
	return snap.RTSP == nil && a.PTS == b.PTS && a.Time.Equal(b.Time) && a.Crop == b.Crop && bytes.Equal(a.Data, b.Data)
}

// confirmLast notes that the last keyframe is still the newest.
func (c *camera) confirmLast() (d delivery) {
	c.record.update(func(s *status) {
		s.counts.unchanged++
		d = s.confirm(time.Now())
	})
	c.onChange(c)
	return d
}

// fail notes the error of a grab and returns it.
func (c *camera) fail(err error) error {
	c.record.update(func(s *status) { s.fail(err, time.Now()) })
	c.onChange(c)
	return err
}

// failUnlessEnded is fail, except if the grab ended because all clients have
// left or the camera is closing.
func (c *camera) failUnlessEnded(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errAbandoned) || errors.Is(cause, errClosed) {
		return cause
	}
	return c.fail(err)
}

func (c *camera) addBytes(bytes int64) {
	c.record.update(func(s *status) { s.counts.addBytes(bytes, time.Now()) })
}

// clear drops the pictures of the stream. The next request grabs anew; the
// keyframe is kept until then, in case there is no newer one.
func (c *camera) clear() {
	c.record.update(func(s *status) {
		if !s.live {
			s.confirmed = time.Time{}
		}
	})
	c.cache.forget(c, "")
}

// explain adds the stream's name, and what is known about its failure, to the
// error of a request.
func (c *camera) explain(err error) error {
	s, now := c.Status(), time.Now()
	e := &streamError{err: err, name: c.conf.Name, at: now}
	if f := s.failure; f != nil && f.err == err {
		e.since, e.at = f.since, f.at
		e.retry = max(0, f.pause(c.conf.TTL)-now.Sub(f.at))
	}
	return e
}
