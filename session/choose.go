package session

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// slack: times of pictures are rounded by the clock that they were told by, the
// coarsest of which counts milliseconds.
const slack = time.Millisecond

// choice is what a decoder is to be fed, and what it is to show.
type choice struct {
	data  [][]byte // access units in decoding order, copied
	show  []int    // places in the order of presentation
	times []time.Duration
}

// shown is a picture that can be decoded, in the order of presentation.
type shown struct {
	at  int // in pictures
	pts time.Duration
}

// choose returns the last n pictures at rate pictures a second: the newest, and for
// each step back in time the one that was to be seen then. At rate 0 they are the
// last n there are. ok is false where the ring does not go back far enough.
func (r *ring) choose(n int, rate float64) (c choice, ok bool) {
	list := r.presented()
	if rate == 0 {
		if len(list) < n {
			return choice{}, false
		}
		return r.feed(list[len(list)-n:]), true
	}
	var picked []shown
	for k := n - 1; k >= 0 && len(list) > 0; k-- {
		back := time.Duration(math.Round(float64(k) * float64(time.Second) / rate))
		t := list[len(list)-1].pts - back + slack
		i, _ := slices.BinarySearchFunc(list, t, func(p shown, t time.Duration) int { return cmp.Compare(p.pts, t) })
		if i == 0 {
			return choice{}, false
		}
		picked = append(picked, list[i-1])
	}
	if len(picked) < n {
		return choice{}, false
	}
	return r.feed(picked), true
}

// presented lists the pictures that can be decoded and whose neighbours are known,
// in the order of presentation. As many as may still be overtaken are not: between
// them others may be missing.
func (r *ring) presented() (list []shown) {
	if len(r.entries) == 0 {
		return nil
	}
	first := r.entries[0]
	from := r.pictures[first.clean].pts
	for i := first.clean; i < r.end(); i++ {
		if pts := r.pictures[i].pts; pts >= from && !r.refreshing(i) {
			list = append(list, shown{i, pts})
		}
	}
	slices.SortStableFunc(list, func(a, b shown) int { return cmp.Compare(a.pts, b.pts) })
	return list[:max(0, len(list)-r.reorder)]
}

// refreshing says whether a picture is in the midst of a gradual refresh with
// nothing good before it.
func (r *ring) refreshing(i int) bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.frame.AfterGap && e.at <= i && i < e.clean })
}

// end is behind the last picture that can be decoded.
func (r *ring) end() int {
	if r.pending >= 0 {
		return r.pending
	}
	return len(r.pictures)
}

// feed returns what it takes to decode the picked pictures, which are in the order
// of presentation.
func (r *ring) feed(picked []shown) (c choice) {
	e := r.before(picked)
	last := slices.MaxFunc(picked, func(a, b shown) int { return cmp.Compare(a.at, b.at) }).at
	start := r.pictures[e.at].pts
	var fed []shown
	for i, needed := last, false; i >= e.at; i-- {
		p := &r.pictures[i]
		wanted := slices.ContainsFunc(picked, func(s shown) bool { return s.at == i })
		needed = needed || wanted
		if needed && (wanted || !p.disposable) && p.pts >= start { // else it is leading, and depends on what was before
			c.data = append(c.data, slices.Clone(p.data))
			fed = append(fed, shown{i, p.pts})
		}
		needed = needed && !p.closed
	}
	slices.Reverse(c.data)
	slices.Reverse(fed)
	slices.SortStableFunc(fed, func(a, b shown) int { return cmp.Compare(a.pts, b.pts) })
	for _, p := range picked {
		c.show = append(c.show, slices.IndexFunc(fed, func(f shown) bool { return f.at == p.at }))
		c.times = append(c.times, p.pts)
	}
	return c
}

// before returns the last entry that all of the picked pictures can be decoded from.
func (r *ring) before(picked []shown) entry {
	for i := len(r.entries) - 1; i > 0; i-- {
		e := r.entries[i]
		if !slices.ContainsFunc(picked, func(p shown) bool { return p.at < e.clean || p.pts < r.pictures[e.clean].pts }) {
			return e
		}
	}
	return r.entries[0]
}
