package session

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// slack allows for times that a stream's clock has rounded. The coarsest clock counts
// milliseconds.
const slack = time.Millisecond

// choice is the input of a decoder, and the pictures that it has to show.
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

// choosePictures returns the last n pictures at rate pictures per second: the newest,
// and for each step back in time the one that was visible then. At rate 0 they are the
// last n there are. ok is false if the ring does not reach back far enough.
func (r *ring) choosePictures(n int, rate float64) (c choice, ok bool) {
	list := r.listPresented()
	if rate == 0 {
		if len(list) < n {
			return choice{}, false
		}
		return r.collectFeed(list[len(list)-n:]), true
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
	return r.collectFeed(picked), true
}

// listPresented lists the pictures that can be decoded and whose neighbours are known,
// in the order of presentation. It leaves out the last r.reorder pictures, because later
// ones may still belong between them.
func (r *ring) listPresented() (list []shown) {
	if len(r.entries) == 0 {
		return nil
	}

	first := r.entries[0]
	from := r.pictures[first.clean].pts
	for i := first.clean; i < r.decodableEnd(); i++ {
		if pts := r.pictures[i].pts; pts >= from && !r.isRefreshing(i) {
			list = append(list, shown{i, pts})
		}
	}

	slices.SortStableFunc(list, func(a, b shown) int { return cmp.Compare(a.pts, b.pts) })
	return list[:max(0, len(list)-r.reorder)]
}

// isRefreshing reports whether a picture belongs to a gradual refresh that has no good
// picture before it.
func (r *ring) isRefreshing(i int) bool {
	return slices.ContainsFunc(r.entries, func(e entry) bool { return e.frame.AfterGap && e.at <= i && i < e.clean })
}

// decodableEnd returns the index after the last picture that can be decoded.
func (r *ring) decodableEnd() int {
	if r.pending >= 0 {
		return r.pending
	}
	return len(r.pictures)
}

// collectFeed returns the input that decodes the picked pictures, which are in the order
// of presentation.
func (r *ring) collectFeed(picked []shown) (c choice) {
	e := r.entryBefore(picked)
	last := slices.MaxFunc(picked, func(a, b shown) int { return cmp.Compare(a.at, b.at) }).at
	start := r.pictures[e.at].pts

	var fed []shown
	for i, needed := last, false; i >= e.at; i-- {
		p := &r.pictures[i]
		wanted := slices.ContainsFunc(picked, func(s shown) bool { return s.at == i })
		needed = needed || wanted
		if needed && (wanted || !p.disposable) && p.pts >= start { // else it is leading, and depends on earlier pictures
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

// entryBefore returns the last entry from which all picked pictures can be decoded.
func (r *ring) entryBefore(picked []shown) entry {
	for i := len(r.entries) - 1; i > 0; i-- {
		e := r.entries[i]
		if !slices.ContainsFunc(picked, func(p shown) bool { return p.at < e.clean || p.pts < r.pictures[e.clean].pts }) {
			return e
		}
	}
	return r.entries[0]
}
