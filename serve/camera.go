package serve

import (
	"context"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/schedule"
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
	conf   Stream // with defaults filled in
	given  Stream // without
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
	if c.conf.Mode != Scheduled || maxAge < c.conf.TTL || c.due.Before(c.confirmed) {
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
