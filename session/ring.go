package session

import (
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxStep is how far the times of consecutive pictures may lie apart. The GOPs
	// and segments of most streams are shorter; what jumps further is another clock.
	maxStep = 10 * time.Second

	// maxReorder bounds the pictures that come before one that is shown earlier: 16
	// is the most that either codec allows (max_num_reorder_frames; A.3.1 of ISO/IEC
	// 14496-10, A.4.1 of 23008-2).
	maxReorder = 16
)

// ring keeps the pictures of the last seconds, in decoding order, and knows from
// where they can be decoded. It has no clock and no lock. What it gives out is copied.
type ring struct {
	keep     time.Duration
	maxBytes int64

	codec    keyframe.Codec // of what is kept
	info     keyframe.Info
	pictures []picture
	entries  []entry
	bytes    int64
	store    store
	reorder  int  // how many pictures came before one that is shown earlier, at most
	evicted  int  // since the stream was as it is
	cut      bool // of those, some for their bytes

	// pending is where those pictures begin that nothing kept leads to, -1 if there
	// are none. They may turn out to be a gradual refresh.
	pending int
	fresh   bool          // those are another stream, or the same with another clock
	last    circumstances // of the picture that came last; zero after a restart
	newest  time.Duration // the time that is the latest since then

	dropped int64 // pictures that were of no use
	gaps    int64
}

// picture is an access unit.
type picture struct {
	data []byte
	in   *block
	pts  time.Duration

	disposable bool // no other depends on it
	closed     bool // nothing behind it depends on what is before it
}

// circumstances are what makes a picture one of a sequence.
type circumstances struct {
	codec keyframe.Codec
	info  keyframe.Info
	pts   time.Duration
}

// entry is where a decoder can start.
type entry struct {
	frame   keyframe.Frame // without Data
	arrived time.Time
	at      int // the first picture to be decoded
	clean   int // the first one that is to be seen: at, but for a gradual refresh
}

func newRing(keep time.Duration, maxBytes int64) *ring {
	return &ring{keep: keep, maxBytes: maxBytes, fresh: true}
}

// restart tells that what comes next is of another connection. What is kept stays
// until there is a keyframe.
func (r *ring) restart() {
	r.wait()
	r.fresh, r.last = true, circumstances{}
}

// wait has nothing lead to what comes next.
func (r *ring) wait() {
	if r.pending >= 0 {
		r.dropped += int64(len(r.pictures) - r.pending)
		r.remove(r.pending, len(r.pictures))
	}
	r.pending = len(r.pictures)
}

// push takes the next picture in decoding order, and says whether it is one to
// start from.
func (r *ring) push(f *keyframe.Frame, now time.Time) bool {
	switch {
	case f.PTS == keyframe.NoPTS:
		r.lose()
		r.dropped++
		return false
	case r.last.codec == keyframe.UnknownCodec:
	case r.changed(f):
		r.restart()
	case f.AfterGap:
		r.lose()
	}
	if r.last.codec == keyframe.UnknownCodec {
		r.newest = f.PTS
	}
	r.newest = max(r.newest, f.PTS)
	r.last = circumstances{f.Codec, f.Info, f.PTS}
	starts := r.starts(f)
	if r.pending < 0 && !starts && r.leading(f) {
		r.dropped++
		return false
	}
	data, in := r.store.keep(f.Data)
	r.pictures = append(r.pictures, picture{data, in, f.PTS, f.Disposable, f.Kind == keyframe.IDR})
	r.bytes += int64(len(f.Data))
	if starts {
		r.enter(f, now)
	}
	r.reorder = max(r.reorder, r.overtaken())
	r.bound(starts)
	return starts
}

// starts says whether a decoder can start at f, or as many pictures before as a
// gradual refresh takes. An all-intra picture with nothing that says so serves
// where nothing better is known. A refresh that seems to reach back to the start before
// it is not all here: leading pictures of that start were left out of it.
func (r *ring) starts(f *keyframe.Frame) bool {
	switch f.Kind {
	case keyframe.UnknownKind:
		return false
	case keyframe.Intra:
		return r.fresh || r.entries[len(r.entries)-1].frame.Kind == keyframe.Intra
	case keyframe.GradualRefresh:
		first := len(r.pictures) + 1 - f.Pictures
		return first >= r.from() && (r.pending >= 0 || first > r.entries[len(r.entries)-1].at)
	}
	return true
}

// from is where those pictures begin that go on from each other, up to the end.
func (r *ring) from() int { return max(r.pending, 0) }

// changed says whether f cannot be of the same sequence as the picture before it.
// What a decoder can start at is shown behind all that came before.
func (r *ring) changed(f *keyframe.Frame) bool {
	step := f.PTS - r.last.pts
	sure := f.Kind != keyframe.UnknownKind && f.Kind != keyframe.Intra && f.Kind != keyframe.GradualRefresh
	return f.Info != r.last.info || f.Codec != r.last.codec || step > maxStep || step < -maxStep || sure && f.PTS <= r.newest
}

func (r *ring) lose() {
	r.gaps++
	r.wait()
}

// leading says whether f depends on what was in front of a gap: it is shown before
// the start behind that.
func (r *ring) leading(f *keyframe.Frame) bool {
	start := r.entries[len(r.entries)-1].frame
	return start.AfterGap && f.PTS < start.PTS
}

// enter makes the last picture one to start from.
func (r *ring) enter(f *keyframe.Frame, now time.Time) {
	n := len(r.pictures) - 1
	e := entry{frame: *f, arrived: now, at: n, clean: n}
	e.frame.Data = nil
	if f.Kind == keyframe.GradualRefresh {
		e.at = n + 1 - f.Pictures
	}
	if r.pending >= 0 {
		e.frame.AfterGap = true
		r.dropped += int64(e.at - r.pending)
		from := r.pending
		if r.fresh {
			r.entries, r.reorder, r.evicted, r.cut = nil, 0, 0, false
			from = 0
		}
		r.remove(from, e.at)
		e.clean, e.at = e.clean-(e.at-from), from
		r.pending, r.fresh = -1, false
	}
	r.codec, r.info = f.Codec, f.Info
	r.entries = append(r.entries, e)
}

func (r *ring) remove(from, to int) {
	for _, p := range r.pictures[from:to] {
		r.bytes -= int64(len(p.data))
		r.store.drop(p.in)
	}
	r.pictures = slices.Delete(r.pictures, from, to)
}

// release forgets all there is, and gives the memory back.
func (r *ring) release() {
	r.remove(0, len(r.pictures))
	r.entries, r.pending, r.fresh = nil, 0, true
	r.store.close()
}

// overtaken counts the pictures in front of the last one that are shown behind it.
func (r *ring) overtaken() (n int) {
	last := len(r.pictures) - 1
	for i := max(r.from(), last-maxReorder); i < last; i++ {
		if r.pictures[i].pts > r.pictures[last].pts {
			n++
		}
	}
	return n
}

// bound forgets the oldest pictures, as far as there are others to start from.
func (r *ring) bound(keyframe bool) {
	for len(r.entries) > 1 {
		span := r.newest - r.pictures[r.entries[1].clean].pts
		if r.bytes <= r.maxBytes && (r.pending >= 0 || span < r.keep) {
			return
		}
		r.cut = r.cut || r.bytes > r.maxBytes
		r.evict(r.entries[1].at)
	}
	if r.bytes > r.maxBytes && !keyframe {
		r.overflow()
	}
}

// evict forgets the first n pictures and the first entry.
func (r *ring) evict(n int) {
	r.evicted += n
	r.remove(0, n)
	r.entries = slices.Delete(r.entries, 0, 1)
	for i := range r.entries {
		r.entries[i].at -= n
		r.entries[i].clean -= n
	}
	if r.pending >= 0 {
		r.pending -= n
	}
}

// overflow gives the last picture up, and with it those to come up to the next
// start.
func (r *ring) overflow() {
	if r.pending < 0 {
		r.pending = len(r.pictures) - 1
	}
	r.cut = true
	r.wait()
}
