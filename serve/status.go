package serve

import (
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// minAge is the least age of a picture that a request can ask for: two grabs
	// of a stream start at least this far apart.
	minAge = time.Second
	// firstPause and maxPause bound how long a failure answers for the next grab.
	// Until then, requests fail without another try.
	firstPause, maxPause = time.Second, 30 * time.Second
)

// capture is one keyframe of a stream.
type capture struct {
	id        string // unique among the stream's captures
	number    int64  // counts the stream's captures from 1
	snapshot  *kfgrab.Snapshot
	tracks    []keyframe.Track
	rendition *kfgrab.Rendition // nil if the stream has only one
}

// state says how a delivered picture relates to the request.
type state string

const (
	fresh  state = "fresh"  // grabbed for this request, or confirmed to be the newest
	cached state = "cached" // within the age that the request, or the TTL, allows
	stale  state = "stale"  // older, since there is no other and the request allows it
)

// delivery is a capture as one request gets it.
type delivery struct {
	*capture
	confirmed time.Time
	state     state
}

func (d delivery) age(now time.Time) time.Duration { return max(0, now.Sub(d.confirmed)) }

// failure is why there is no newer picture. It never changes.
type failure struct {
	err   error
	since time.Time // of the first failure in a row
	at    time.Time // of the last
	count int       // in a row
}

// pause returns how long the failure answers requests for pictures up to
// maxAge. Wrong credentials always last for maxPause, since cameras lock out
// clients that try them often, except if a request asks for a fresh picture.
func (f *failure) pause(maxAge time.Duration) time.Duration {
	if kfgrab.ClassOf(f.err) == kfgrab.Unauthorised && maxAge > minAge {
		return maxPause
	}
	return min(maxAge, firstPause<<min(f.count-1, 5), maxPause)
}

// counts are those of one stream since the start.
type counts struct {
	grabs     int64 // that have ended, with or without a keyframe
	captures  int64 // different keyframes
	unchanged int64 // grabs that found no newer keyframe
	failures  int64
	failed    [kfgrab.NotModified + 1]int64 // failures by class
	bytes     int64                         // received through the sockets

	day   string // in local time
	today int64  // bytes received on that day
}

func (c *counts) addBytes(bytes int64, now time.Time) {
	if day := now.Format(time.DateOnly); day != c.day {
		c.day, c.today = day, 0
	}
	c.bytes += bytes
	c.today += bytes
}

// addCounts adds those of another stream.
func (c *counts) addCounts(o *counts) {
	c.grabs += o.grabs
	c.captures += o.captures
	c.unchanged += o.unchanged
	c.failures += o.failures
	c.bytes += o.bytes
	for class, n := range o.failed {
		c.failed[class] += n
	}
}

// status is what is known about a stream at one moment.
type status struct {
	last       *capture      // nil before the first
	confirmed  time.Time     // when last was found to be the newest; zero if it must not be served
	live       bool          // keyframes arrive without grabs
	gap        time.Duration // between the last two live keyframes
	failure    *failure      // nil while all is well
	counts     counts
	due        time.Time          // of the next scheduled grab
	renditions []kfgrab.Rendition // the result of the last probe

	viewers  int  // clients that watch live keyframes
	followed bool // the stream is held open for them
}

// answer returns what a request for a picture up to maxAge gets without a grab.
// ok is false if it takes a grab.
func (s *status) answer(now time.Time, maxAge time.Duration, conf *Stream) (d delivery, err error, ok bool) {
	switch {
	case s.live && s.last != nil:
		d = delivery{s.last, s.confirmed, fresh}
		if age := d.age(now); age > maxAge && age > 2*s.gap { // another should have arrived
			d.state = stale
		}
		return d, nil, true
	case s.last != nil && now.Sub(s.confirmed) <= s.validity(maxAge, conf):
		return delivery{s.last, s.confirmed, cached}, nil, true
	case s.failure != nil && now.Sub(s.failure.at) < s.failure.pause(maxAge):
		return delivery{}, s.failure.err, true
	}
	return delivery{}, nil, false
}

// answerStale returns the last keyframe if it is at most as old as maxAge.
func (s *status) answerStale(now time.Time, maxAge time.Duration) (d delivery, ok bool) {
	if s.last == nil || now.Sub(s.confirmed) > maxAge {
		return delivery{}, false
	}
	return delivery{s.last, s.confirmed, stale}, true
}

// validity returns how long the last picture answers requests for pictures up
// to maxAge. That of a scheduled stream lasts until the next grab has ended.
func (s *status) validity(maxAge time.Duration, conf *Stream) time.Duration {
	if conf.Mode != Scheduled || maxAge < conf.TTL || s.due.Before(s.confirmed) {
		return maxAge
	}
	return max(maxAge, s.due.Sub(s.confirmed)+conf.Timeout)
}

// retryPause returns how long to wait before a lost stream is opened again.
func (s *status) retryPause() time.Duration {
	if s.failure == nil {
		return firstPause
	}
	return s.failure.pause(maxPause)
}

// confirm notes a successful grab, which found s.last to be the newest.
func (s *status) confirm(now time.Time) delivery {
	s.counts.grabs++
	s.confirmed, s.failure = now, nil
	return delivery{s.last, now, fresh}
}

// fail notes a failed grab.
func (s *status) fail(err error, now time.Time) {
	f := &failure{err: err, since: now, at: now, count: 1}
	if s.failure != nil {
		f.since, f.count = s.failure.since, s.failure.count+1
	}
	s.failure = f
	s.counts.grabs++
	s.counts.failures++
	s.counts.failed[kfgrab.ClassOf(err)]++
}

// record guards a status. All access is through its two methods.
type record struct {
	mu     sync.Mutex
	status status
}

func (r *record) load() status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

func (r *record) update(change func(*status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
}
