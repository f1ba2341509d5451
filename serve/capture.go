package serve

import (
	"bytes"
	"strconv"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/keyframe"
)

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
