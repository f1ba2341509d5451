package serve

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/config"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/schedule"
)

const (
	// minAge is how young a picture may be asked for: two grabs of a stream begin that far
	// apart at least, however many ask for a fresh one.
	minAge = time.Second
	// idleTime is how long the connection to a stream is kept for the next grab.
	idleTime = time.Minute
)

// camera is one stream and what is known of it.
type camera struct {
	conf   config.Stream // with defaults filled in
	given  config.Stream // without
	host   string
	gate   *schedule.Gate
	cache  *cache
	told   func(*camera)       // of every change
	took   func(time.Duration) // of every grab
	pool   *decode.Pool
	grabs  group[struct{}, sight]
	probes group[struct{}, []kfgrab.Rendition]

	changed   signal         // something has
	turn      sync.Mutex     // of follow
	followers sync.WaitGroup // the goroutine of follow
	warm      sync.Once      // followed from then on
	poked     chan struct{}  // has follow try again now
	gone      chan struct{}  // closed by close

	mu         sync.Mutex
	stream     *kfgrab.Stream // kept for the next grab; nil where there is none
	idle       *time.Timer    // closes it
	grabbing   bool
	last       *capture
	confirmed  time.Time // when last was found to be the newest; zero where it may not be served
	failed     *failure  // nil while all is well
	counts     counts
	due        time.Time          // of the next scheduled grab
	renditions []kfgrab.Rendition // as they were probed

	viewers  int                     // those who watch
	unfollow context.CancelCauseFunc // nil where the stream is not followed
	linger   *time.Timer             // ends it
	live     bool                    // keyframes come, last being the newest
	gap      time.Duration           // between the last two of them
	closed   bool
}

// capture is one keyframe.
type capture struct {
	id        string // of no other capture of the stream
	number    int64  // from 1, of the stream's captures
	snapshot  *kfgrab.Snapshot
	tracks    []keyframe.Track
	rendition *kfgrab.Rendition // nil where there is none to choose
}

// state says how a picture stands to what was asked for.
type state string

const (
	fresh  state = "fresh"  // grabbed, or found to be still the newest, for this request
	cached state = "cached" // not older than the request, or the stream's TTL, allows
	stale  state = "stale"  // older, as no other could be had and the request allows that
)

// sight is a capture as one request gets it.
type sight struct {
	*capture
	confirmed time.Time
	state     state
}

func (s sight) age(now time.Time) time.Duration { return max(0, now.Sub(s.confirmed)) }

// take returns the newest keyframe, one that is not older than maxAge, or than minAge
// where that is longer. It joins a grab that is under way: what that brings arrives after
// the request. Of a stream that is followed it is the newest there is, however old.
func (c *camera) take(ctx context.Context, maxAge time.Duration) (sight, error) {
	maxAge = max(maxAge, minAge)
	if s, err, known := c.known(time.Now(), maxAge); known {
		return s, err
	}
	if c.connecting() {
		return c.await(ctx, maxAge)
	}
	return c.grabs.do(ctx, struct{}{}, c.grab)
}

// known returns what can be said without a grab.
func (c *camera) known(now time.Time, maxAge time.Duration) (sight, error, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.live && c.last != nil:
		return c.newest(now, maxAge), nil, true
	case c.last != nil && now.Sub(c.confirmed) <= c.lasts(maxAge):
		return sight{c.last, c.confirmed, cached}, nil, true
	case c.failed != nil && now.Sub(c.failed.at) < c.failed.pause(maxAge):
		return sight{}, c.failed.err, true
	}
	return sight{}, nil, false
}

// newest is the last keyframe of a stream that is followed: a stale one where another
// should have come by now. It is called with mu held.
func (c *camera) newest(now time.Time, maxAge time.Duration) sight {
	s := sight{c.last, c.confirmed, fresh}
	if age := s.age(now); age > maxAge && age > 2*c.gap {
		s.state = stale
	}
	return s
}

// lasts is how long a picture serves that may be as old as maxAge. It is called with mu
// held.
func (c *camera) lasts(maxAge time.Duration) time.Duration {
	if c.conf.Mode != config.Scheduled || maxAge < c.conf.TTL || c.due.Before(c.confirmed) {
		return maxAge
	}
	return max(maxAge, c.due.Sub(c.confirmed)+c.conf.Timeout)
}

// stale returns the last keyframe, if it is not older than maxAge.
func (c *camera) stale(now time.Time, maxAge time.Duration) (sight, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil || now.Sub(c.confirmed) > maxAge {
		return sight{}, false
	}
	return sight{c.last, c.confirmed, stale}, true
}

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
	ctx, cancel := context.WithTimeoutCause(ctx, c.conf.Timeout, timeoutError(c.conf.Timeout))
	defer cancel()
	before := stream.Spent()
	snap, err := c.snap(ctx, stream)
	c.spent(stream.Spent().Down - before.Down)
	if errors.Is(err, keyframe.ErrNotModified) {
		return c.same(), nil
	}
	if err != nil {
		return sight{}, c.failedIn(ctx, err)
	}
	return c.arrive(snap, stream, false), nil
}

// snap takes the newest keyframe, or one behind it that shows something.
func (c *camera) snap(ctx context.Context, stream *kfgrab.Stream) (*kfgrab.Snapshot, error) {
	if c.conf.Picture.Tries == 0 {
		return stream.Grab(ctx)
	}
	taken, err := picture.Take(ctx, c.pool, stream, &c.conf.Picture)
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

// arrive takes a keyframe in; live says that others follow.
func (c *camera) arrive(snap *kfgrab.Snapshot, from *kfgrab.Stream, live bool) sight {
	c.mu.Lock()
	if c.live {
		c.gap = snap.Taken.Sub(c.confirmed)
	}
	c.live = c.live || live
	if c.last != nil && repeated(c.last.snapshot, snap) {
		c.mu.Unlock()
		return c.same()
	}
	c.counts.captures++
	c.last = &capture{
		id:     strconv.FormatInt(snap.Taken.UnixNano(), 36),
		number: c.counts.captures, snapshot: snap, tracks: from.Tracks(),
	}
	if r, ok := from.Rendition(); ok {
		c.last.rendition = &r
	}
	s := c.confirm(snap.Taken)
	c.mu.Unlock()
	c.told(c)
	return s
}

// repeated says whether a connection that was made anew has brought the last keyframe once
// more, as a playlist that has not grown does. What RTSP sends is new each time.
func repeated(last, snap *kfgrab.Snapshot) bool {
	a, b := last.Frame, snap.Frame
	return snap.RTSP == nil && a.PTS == b.PTS && a.Time.Equal(b.Time) && a.Crop == b.Crop && bytes.Equal(a.Data, b.Data)
}

// same finds that the last keyframe is still the newest.
func (c *camera) same() sight {
	c.mu.Lock()
	c.counts.unchanged++
	s := c.confirm(time.Now())
	c.mu.Unlock()
	c.told(c)
	return s
}

// confirm is called with mu held.
func (c *camera) confirm(now time.Time) sight {
	c.counts.grabs++
	c.confirmed, c.failed = now, nil
	return sight{c.last, now, fresh}
}

// forget has the next request grab anew. The keyframe is kept, as the next grab may find
// that there is no newer one, but is not served before that.
func (c *camera) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.live {
		c.confirmed = time.Time{}
	}
}

// close ends what goes on, and waits for that.
func (c *camera) close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.gone)
	}
	if c.unfollow != nil {
		c.unfollow(errClosed)
	}
	if c.linger != nil {
		c.linger.Stop()
	}
	c.mu.Unlock()
	c.followers.Wait()
	c.grabs.close()
	c.probes.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle != nil {
		c.idle.Stop()
	}
	if c.stream != nil {
		c.stream.Close()
		c.stream = nil
	}
}
