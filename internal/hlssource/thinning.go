package hlssource

import (
	"iter"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
)

// surveyed is how many errands make a mean that can be relied on: the first ones also
// find out where keyframes lie.
const surveyed = 8

// spending estimates what the rest of a timeline costs from what its beginning has cost.
type spending struct {
	client   *fetch.Client
	keyframe int64 // bytes up to the end of the first keyframe of a segment

	mu          sync.Mutex
	began, done int   // errands
	paid        int64 // bytes of those that are done
}

// begin counts an errand that is about to begin.
func (s *spending) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began++
}

// end counts an errand that is done, and its bytes.
func (s *spending) end(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	s.paid += bytes
}

// measure returns the mean cost of an errand, the number of those under way, and what
// the budget has left.
func (s *spending) measure() (mean, underWay, left int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paid / int64(max(1, s.done)), int64(s.began - s.done), s.client.Left()
}

// isSurveyed reports whether enough errands are done for their mean to be relied on.
func (s *spending) isSurveyed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done >= surveyed
}

// suffices reports whether the budget is enough for n more errands. In case of doubt it
// is, as long as it would still be enough for the first keyframes of their segments.
func (s *spending) suffices(n int) bool {
	mean, underWay, left := s.measure()
	all := mean*int64(n) + mean*underWay/2
	if all > 2*left || (all > left && s.isSurveyed()) {
		return false
	}
	return left >= mean*(underWay+1)+s.keyframe*int64(n-1)
}

// share returns how many of n errands have to share a keyframe.
func (s *spending) share(n int) int {
	mean, underWay, left := s.measure()
	cost := max(mean, s.keyframe)
	left -= cost * underWay
	if left <= cost {
		return n
	}
	return int(max(1, (cost*int64(n)+left-1)/left))
}

// isTooLarge reports whether it would take too much of the budget to read so far into
// each of n segments like that of r, the first one.
func (r *reading) isTooLarge(upTo time.Duration, n int) bool {
	size, left := r.resource.Size(), r.opener.client.Left()
	if r.segment.ByteRange != nil {
		size = r.segment.ByteRange.Length
	}
	if r.segment.Map != nil || size <= 0 || r.segment.Duration <= 0 {
		return false // an index leads to the keyframes, or nothing is known
	}

	part := min(1, float64(upTo)/float64(r.segment.Duration))
	cost := part * float64(size)
	return n > 1 && (cost > float64(left)/2 || cost*float64(n) > 2*float64(left))
}

// asked yields errands as long as all that remain are affordable. rest is what it did
// not yield.
func (s *spending) asked(list []errand, rest *[]errand) iter.Seq[errand] {
	return func(yield func(errand) bool) {
		for ; len(list) > 0; list = list[1:] {
			if *rest = list; !s.suffices(len(list)) {
				return
			}
			s.begin()
			if !yield(list[0]) {
				return
			}
		}
		*rest = nil
	}
}

// thinned yields errands that need only the first keyframe of their segment. If that is
// still too much, one errand takes over the times of those that follow it.
func (s *spending) thinned(list []errand) iter.Seq[errand] {
	return func(yield func(errand) bool) {
		for len(list) > 0 {
			n := min(s.share(len(list)), len(list))
			one := errand{segment: list[0].segment, firstOnly: true}
			for _, e := range list[:n] {
				one.times = append(one.times, e.times...)
			}
			list = list[n:]
			s.begin()
			if !yield(one) {
				return
			}
		}
	}
}
