package session

import (
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxStep is how far apart the times of consecutive pictures may be. The GOPs and
	// segments of most streams are shorter; a larger step means another clock.
	maxStep = 10 * time.Second

	// maxReorder bounds the pictures that are decoded before one that is shown earlier.
	// Both codecs allow 16 (max_num_reorder_frames; A.3.1 of ISO/IEC 14496-10, A.4.1 of
	// 23008-2).
	maxReorder = 16
)

// ring keeps the pictures of the last seconds, in decoding order, and the places where a
// decoder can start. It has no clock and no lock. What it returns is copied.
type ring struct {
	keep     time.Duration
	maxBytes int64

	codec    keyframe.Codec // of the pictures
	info     keyframe.Info
	pictures []picture
	entries  []entry
	bytes    int64
	store    store
	reorder  int  // the highest number of pictures decoded before one that is shown earlier
	evicted  int  // pictures, since codec and info last changed
	cut      bool // some of those because of maxBytes

	// pending is the index of the first picture that cannot be decoded from the kept
	// ones, -1 if there is none. The pictures from there on may turn out to be a gradual
	// refresh.
	pending int
	fresh   bool          // the pending pictures are of another stream or another clock
	last    circumstances // of the last picture; zero after a new connection
	newest  time.Duration // the latest time since then

	dropped int64 // pictures that could not be used
	gaps    int64
}

// picture is an access unit.
type picture struct {
	data []byte
	in   *block
	pts  time.Duration

	disposable bool // no other picture depends on it
	closed     bool // no later picture depends on an earlier one
}

// circumstances are what consecutive pictures of the same sequence share.
type circumstances struct {
	codec keyframe.Codec
	info  keyframe.Info
	pts   time.Duration
}

// entry is where a decoder can start.
type entry struct {
	frame   keyframe.Frame // without Data
	arrived time.Time
	at      int // the first picture to decode
	clean   int // the first picture to show: later than at only in a gradual refresh
}

func newRing(keep time.Duration, maxBytes int64) *ring {
	return &ring{keep: keep, maxBytes: maxBytes, fresh: true}
}

// beginConnection is called before the first picture of another connection. The kept
// pictures stay until there is a keyframe.
func (r *ring) beginConnection() {
	r.dropPending()
	r.fresh, r.last = true, circumstances{}
}

// dropPending drops the pending pictures. The next ones will be pending.
func (r *ring) dropPending() {
	if r.pending >= 0 {
		r.dropped += int64(len(r.pictures) - r.pending)
		r.removePictures(r.pending, len(r.pictures))
	}
	r.pending = len(r.pictures)
}

// pushPicture takes the next picture in decoding order. It reports whether a decoder can
// start from it.
func (r *ring) pushPicture(f *keyframe.Frame, now time.Time) bool {
	switch {
	case f.PTS == keyframe.NoPTS:
		r.noteLoss()
		r.dropped++
		return false
	case r.last.codec == keyframe.UnknownCodec:
	case r.isOtherSequence(f):
		r.beginConnection()
	case f.AfterGap:
		r.noteLoss()
	}

	if r.last.codec == keyframe.UnknownCodec {
		r.newest = f.PTS
	}
	r.newest = max(r.newest, f.PTS)
	r.last = circumstances{f.Codec, f.Info, f.PTS}

	starts := r.canStartAt(f)
	if r.pending < 0 && !starts && r.isLeading(f) {
		r.dropped++
		return false
	}

	data, in := r.store.keepBytes(f.Data)
	r.pictures = append(r.pictures, picture{data, in, f.PTS, f.Disposable, f.Kind == keyframe.IDR})
	r.bytes += int64(len(f.Data))
	if starts {
		r.addEntry(f, now)
	}
	r.reorder = max(r.reorder, r.countOvertaken())
	r.enforceBounds(starts)
	return starts
}

// canStartAt reports whether a decoder can start at f or, for a gradual refresh, as many
// pictures before f as it takes. An intra picture without recovery point counts if the
// ring has nothing better. A refresh that seems to reach back to the previous start is
// incomplete: leading pictures of that start were left out.
func (r *ring) canStartAt(f *keyframe.Frame) bool {
	switch f.Kind {
	case keyframe.UnknownKind:
		return false
	case keyframe.Intra:
		return r.fresh || r.entries[len(r.entries)-1].frame.Kind == keyframe.Intra
	case keyframe.GradualRefresh:
		first := len(r.pictures) + 1 - f.Pictures
		return first >= r.sequenceStart() && (r.pending >= 0 || first > r.entries[len(r.entries)-1].at)
	}
	return true
}

// sequenceStart returns the index from which all pictures follow one another.
func (r *ring) sequenceStart() int { return max(r.pending, 0) }

// isOtherSequence reports whether f cannot belong to the same sequence as the picture
// before it. A picture that a decoder can start at is shown after all earlier ones.
func (r *ring) isOtherSequence(f *keyframe.Frame) bool {
	step := f.PTS - r.last.pts
	sure := f.Kind != keyframe.UnknownKind && f.Kind != keyframe.Intra && f.Kind != keyframe.GradualRefresh
	return f.Info != r.last.info || f.Codec != r.last.codec || step > maxStep || step < -maxStep || (sure && f.PTS <= r.newest)
}

func (r *ring) noteLoss() {
	r.gaps++
	r.dropPending()
}

// isLeading reports whether f depends on pictures before a gap: it is shown before the
// start after the gap.
func (r *ring) isLeading(f *keyframe.Frame) bool {
	start := r.entries[len(r.entries)-1].frame
	return start.AfterGap && f.PTS < start.PTS
}

// addEntry makes the last picture a place to start from.
func (r *ring) addEntry(f *keyframe.Frame, now time.Time) {
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
		r.removePictures(from, e.at)
		e.clean, e.at = e.clean-(e.at-from), from
		r.pending, r.fresh = -1, false
	}

	r.codec, r.info = f.Codec, f.Info
	r.entries = append(r.entries, e)
}

func (r *ring) removePictures(from, to int) {
	for _, p := range r.pictures[from:to] {
		r.bytes -= int64(len(p.data))
		r.store.dropPicture(p.in)
	}
	r.pictures = slices.Delete(r.pictures, from, to)
}

// releaseAll drops all pictures and frees the memory.
func (r *ring) releaseAll() {
	r.removePictures(0, len(r.pictures))
	r.entries, r.pending, r.fresh = nil, 0, true
	r.store.freeAll()
}

// countOvertaken counts the pictures that are decoded before the last one and shown
// after it.
func (r *ring) countOvertaken() (n int) {
	last := len(r.pictures) - 1
	for i := max(r.sequenceStart(), last-maxReorder); i < last; i++ {
		if r.pictures[i].pts > r.pictures[last].pts {
			n++
		}
	}
	return n
}

// enforceBounds drops the oldest pictures, as long as there are others to start from.
func (r *ring) enforceBounds(keyframe bool) {
	for len(r.entries) > 1 {
		span := r.newest - r.pictures[r.entries[1].clean].pts
		if r.bytes <= r.maxBytes && (r.pending >= 0 || span < r.keep) {
			return
		}
		r.cut = r.cut || r.bytes > r.maxBytes
		r.evictPictures(r.entries[1].at)
	}

	if r.bytes > r.maxBytes && !keyframe {
		r.dropOverflow()
	}
}

// evictPictures drops the first n pictures and the first entry.
func (r *ring) evictPictures(n int) {
	r.evicted += n
	r.removePictures(0, n)
	r.entries = slices.Delete(r.entries, 0, 1)
	for i := range r.entries {
		r.entries[i].at -= n
		r.entries[i].clean -= n
	}
	if r.pending >= 0 {
		r.pending -= n
	}
}

// dropOverflow drops the last picture, and with it the ones that follow up to the next
// start.
func (r *ring) dropOverflow() {
	if r.pending < 0 {
		r.pending = len(r.pictures) - 1
	}
	r.cut = true
	r.dropPending()
}
