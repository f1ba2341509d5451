package fetch

import "slices"

// span is the bytes from up to, not including, to.
type span struct{ from, to int64 }

func (s span) length() int64 { return s.to - s.from }

// spans are sorted and apart from each other.
type spans []span

// add returns the union of s and x.
func (s spans) add(x span) spans {
	if x.length() <= 0 {
		return s
	}

	i := 0
	for i < len(s) && s[i].to < x.from {
		i++
	}

	j := i
	for j < len(s) && s[j].from <= x.to {
		x = span{min(x.from, s[j].from), max(x.to, s[j].to)}
		j++
	}
	return slices.Replace(s, i, j, x)
}

// firstGap returns the longest span within x that starts at x's first byte outside s.
// It is empty if s holds all of x.
func (s spans) firstGap(x span) span {
	for _, held := range s {
		switch {
		case held.to <= x.from:
		case held.from <= x.from:
			x.from = min(held.to, x.to)
		default:
			x.to = min(held.from, x.to)
		}
	}
	return x
}

// maxGrowth bounds how far a follow-up range grows if Range.Most is 0.
const maxGrowth = 1 << 20

// planner decides which range to ask for. It does no I/O.
type planner struct {
	base        int64 // where the resource begins in the file
	first, next int64 // sizes of the first range and of follow-ups
	most        int64 // to which follow-ups grow
	share       int64 // of the size, reached by the second range; 0 none
}

// plan is the input of the planner.
type plan struct {
	need       span  // what the reader asked for
	sequential bool  // more will probably be asked for after it
	held       spans // not to be asked for again
	got        int64 // bytes fetched so far
	end        int64 // of the resource, -1 unknown
	left       int64 // of the budget, at least 1
}

// planRange returns the range to request next. It begins at the first missing byte of
// need, and has no byte that is held, none past the end, and no more than the budget
// allows. It is empty if nothing is missing.
//
// A reader from the front gets more than it asked for, so that not every read is a
// request: p.first bytes, then p.next, then a quarter of the bytes that it got so far.
// This wastes little, and a long scan takes few requests.
func (p planner) planRange(now plan) span {
	want := now.held.firstGap(now.need)
	if want.length() <= 0 {
		return span{}
	}

	switch {
	case now.got == 0 && want.from == p.base:
		want.to = max(want.to, want.from+p.first)
	case now.sequential:
		want.to = max(want.to, p.followUp(now, want.from))
	}

	want.to = min(want.to, want.from+now.left)
	if now.end >= 0 {
		want.to = min(want.to, now.end)
	}
	return now.held.firstGap(want)
}

// followUp returns where a range that is not the first is to end.
func (p planner) followUp(now plan, from int64) int64 {
	if now.got > p.first {
		return from + max(p.next, min(now.got/4, p.most))
	}
	to := from + p.next
	if p.share > 0 && now.end > p.base {
		to = max(to, min(p.base+(now.end-p.base)/p.share, from+p.most))
	}
	return to
}
