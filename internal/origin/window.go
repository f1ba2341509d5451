package origin

import "time"

// timeline computes which segments of the endless stream are listed at a time. Segments are
// numbered from 0. Segment n begins at start+n·segment and is published when it is complete.
type timeline struct {
	start   time.Time
	segment time.Duration
	loop    int // number of segments after which pictures and time stamps restart
	window  int // segments listed at most
}

// newestSegment returns the number of the last published segment, or −1.
func (l timeline) newestSegment(t time.Time) int {
	since := t.Sub(l.start)
	if since < l.segment {
		return -1
	}
	return int(since/l.segment) - 1
}

// listedRange returns the numbers of the first and the last listed segment. If there is none, last is
// less than first.
func (l timeline) listedRange(t time.Time) (first, last int) {
	last = l.newestSegment(t)
	return max(0, last-l.window+1), last
}

// isAvailable reports whether segment n can be fetched: until one window after it left the playlist
// (RFC 8216 6.2.2).
func (l timeline) isAvailable(n int, t time.Time) bool {
	first, last := l.listedRange(t)
	return n >= 0 && n >= first-l.window && n <= last
}

// beginOf returns the wall-clock time of the first picture of segment n.
func (l timeline) beginOf(n int) time.Time { return l.start.Add(time.Duration(n) * l.segment) }

// publishedAt returns when segment n was first listed.
func (l timeline) publishedAt(n int) time.Time { return l.beginOf(n + 1) }

// loopIndex returns the number of the encoded segment that n repeats.
func (l timeline) loopIndex(n int) int { return n % l.loop }

// isDiscontinuity reports whether time stamps restart at segment n.
func (l timeline) isDiscontinuity(n int) bool { return n > 0 && n%l.loop == 0 }

// discontinuitySequence returns how many discontinuities have left a playlist that begins with
// segment first (RFC 8216 4.3.3.3). The one before that segment is still listed.
func (l timeline) discontinuitySequence(first int) int {
	if first == 0 {
		return 0
	}
	return (first - 1) / l.loop
}
