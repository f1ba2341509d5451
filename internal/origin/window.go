package origin

import "time"

// timeline says which segments of the endless stream are listed when. Segments
// are numbered from 0 by media sequence; segment n shows what happened from
// start+n·segment on, and is published when it is whole.
type timeline struct {
	start   time.Time
	segment time.Duration
	loop    int // segments after which the pictures and their time stamps begin again
	window  int // segments listed at most
}

// newest returns the number of the segment published last; −1 before the first.
func (l timeline) newest(t time.Time) int {
	since := t.Sub(l.start)
	if since < l.segment {
		return -1
	}
	return int(since/l.segment) - 1
}

// listed returns the numbers of the first and the last listed segment; last is
// less than first where none is.
func (l timeline) listed(t time.Time) (first, last int) {
	last = l.newest(t)
	return max(0, last-l.window+1), last
}

// available tells whether segment n can be fetched: from its publishing on
// until a window's length after it left the playlist (RFC 8216 6.2.2).
func (l timeline) available(n int, t time.Time) bool {
	first, last := l.listed(t)
	return n >= 0 && n >= first-l.window && n <= last
}

// begins is the wall-clock time of segment n's first picture.
func (l timeline) begins(n int) time.Time { return l.start.Add(time.Duration(n) * l.segment) }

// published is when segment n was listed first.
func (l timeline) published(n int) time.Time { return l.begins(n + 1) }

// source is the number, within the loop, of the encoded segment that n repeats.
func (l timeline) source(n int) int { return n % l.loop }

// discontinuity tells whether the time stamps break before segment n.
func (l timeline) discontinuity(n int) bool { return n > 0 && n%l.loop == 0 }

// discontinuitySequence is the number of discontinuities that have left a
// playlist which begins with segment first (RFC 8216 4.3.3.3). The one before
// that segment has not: its tag is listed.
func (l timeline) discontinuitySequence(first int) int {
	if first == 0 {
		return 0
	}
	return (first - 1) / l.loop
}
