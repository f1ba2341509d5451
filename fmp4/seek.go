package fmp4

import (
	"errors"
	"io"
	"math"
	"slices"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// timeSlack: times are given and printed in milliseconds, but pictures lie at
	// fractions of them.
	timeSlack = time.Millisecond

	// maxSidx bounds one segment index: 65535 references of 12 bytes.
	maxSidx = 1 << 20

	// maxSidxDepth bounds segment indexes that lead to segment indexes.
	maxSidxDepth = 8
)

// seek is a search by time. Times count from the start of the movie: 0 of the edit
// list, else the first sample.
type seek struct {
	t      time.Duration
	noSidx bool

	start    time.Duration // of what comes next at the top level
	origin   int64         // media time at start, if anchored
	anchored bool
	limit    int64 // the search ends at this place in the file; 0: nowhere

	tail  *reference // the last part of an index that ended before t
	depth int

	found []candidate   // sync samples at or before t, the last maxRefused of them
	next  *sample       // the sync sample after t, once it was found
	total time.Duration // that the index covers
}

type reference struct {
	off   int64
	start time.Duration
	leads bool // to another index
}

type candidate struct {
	sample
	at     time.Duration // since the start of the movie
	follow sample        // the next sample, if it has a size
}

// KeyframeAt returns the last keyframe at or before t, or the first one if there is
// none. t counts from the start of the movie as a player shows it: in progressive
// files by their edit list, in all others from the first sample. Errors are those of
// Keyframe, which begins anew when it is called after KeyframeAt.
//
// KeyframeAt uses a segment index (sidx) to get near. Without one, it reads the moof
// boxes one after the other, and no payload.
func (m *Movie) KeyframeAt(t time.Duration) (*keyframe.Frame, error) {
	var f *keyframe.Frame
	err := m.tryTracks(func() (err error) {
		f, err = m.searchKeyframe(t)
		return err
	})
	return f, err
}

// searchKeyframe is KeyframeAt for one track.
func (m *Movie) searchKeyframe(t time.Duration) (*keyframe.Frame, error) {
	if err := m.searchIndex(t); err != nil {
		return nil, err
	}
	if f, _, err := m.readLastOf(m.seek.found); f != nil || err != nil {
		return f, err
	}
	m.rewind()
	return m.nextKeyframe()
}

// searchIndex gathers sync samples from the start on, with the segment index or without.
func (m *Movie) searchIndex(t time.Duration) error {
	for _, noSidx := range []bool{false, true} {
		m.rewind()
		m.seek = &seek{t: t, noSidx: noSidx}
		if err := m.locateSync(); err != nil {
			return err
		}
		if len(m.seek.found) > 0 || m.seek.depth == 0 {
			break
		}
	}
	return nil
}

// readLastOf reads the last keyframe among the candidates. It is nil if there is none.
func (m *Movie) readLastOf(found []candidate) (*keyframe.Frame, time.Duration, error) {
	for i := len(found) - 1; i >= 0; i-- {
		c := found[i]
		err := m.feedSample(c.sample, sampleBytes(c.sample))
		if err == nil && len(m.ready) == 0 && c.follow.size > 0 {
			err = m.feedSample(c.follow, sampleBytes(c.follow))
		}
		if err != nil {
			return nil, 0, err
		}
		if f := m.takeFrame(); f != nil {
			return f, c.at, nil
		}
	}
	return nil, 0, nil
}

// locateSync gathers the sync samples up to t, or the first one after it.
func (m *Movie) locateSync() error {
	k := m.seek
	for {
		s, err := m.nextToLocate()
		switch {
		case errors.Is(err, errEnd):
			if len(k.found) > 0 || k.tail == nil {
				return m.openEmpty()
			}
			m.turnBack()
			continue
		case err != nil:
			return err
		}

		if !k.anchored {
			k.origin, k.anchored = s.pts, true
		}
		if n := len(k.found); n > 0 && s.number == k.found[n-1].number+1 {
			k.found[n-1].follow = s
		}
		if !s.sync {
			continue
		}

		at := k.start + toDuration(s.pts-k.origin, m.track.Timescale)
		after := at > k.t+timeSlack
		switch {
		case after && len(k.found) > 0:
			k.next = &s
			return nil
		case after && k.tail != nil:
			m.turnBack()
			continue
		}

		if len(k.found) == maxRefused {
			k.found = append(k.found[:0], k.found[1:]...)
		}
		k.found = append(k.found, candidate{sample: s, at: at})
		if after {
			return nil
		}
	}
}

// nextToLocate returns the next sample for locateSync.
func (m *Movie) nextToLocate() (sample, error) {
	k := m.seek
	if k.next != nil {
		s := *k.next
		k.next = nil
		return s, nil
	}
	return m.nextSample(!k.anchored || m.mayPair())
}

// openEmpty chooses the track of a file that turned out to have no samples.
func (m *Movie) openEmpty() error {
	if m.track != nil || m.init == nil {
		return nil
	}
	return m.openTrack()
}

// isOver reports whether the search ends before pos.
func (k *seek) isOver(pos int64) bool {
	return k != nil && k.limit > 0 && pos >= k.limit
}

// readSidx reads a segment index (ISO/IEC 14496-12 8.16.3) during a search, and follows
// it.
func (m *Movie) readSidx(h header, at int64) error {
	k := m.seek
	if k == nil || k.noSidx || k.depth > maxSidxDepth || h.size > maxSidx || m.init == nil {
		return nil
	}

	body, err := m.loadBox(h, at, maxSidx)
	if err != nil {
		return err
	}
	box, err := decodeLeaf[*mp4.SidxBox](box{h.kind, body, at})
	if err != nil || box.Timescale == 0 {
		return nil // the moof boxes have the same times
	}

	if m.track == nil {
		if err := m.openTrack(); err != nil {
			return err
		}
	}
	if box.ReferenceID != m.track.ID && len(m.init.Tracks) > 1 {
		return nil
	}
	m.followSidx(box, at+h.size+int64(min(box.FirstOffset, math.MaxInt64/4)))
	return nil
}

// followSidx goes to the referenced part that holds the time, or after all of them.
func (m *Movie) followSidx(box *mp4.SidxBox, off int64) {
	k := m.seek
	units := int64(0)
	for _, ref := range box.SidxRefs {
		here := reference{off, k.start + toDuration(units, box.Timescale), ref.ReferenceType == 1}
		units += int64(ref.SubSegmentDuration)
		off += int64(ref.ReferencedSize)
		if k.start+toDuration(units, box.Timescale) > k.t+timeSlack {
			m.enterReference(here, off)
			return
		}
		k.tail = &here
	}
	if k.tail != nil {
		m.pos = off
		k.start += toDuration(units, box.Timescale)
		k.total = k.start
		k.anchored = false
	}
}

// turnBack goes to the part before the one in which nothing was found.
func (m *Movie) turnBack() {
	m.enterReference(*m.seek.tail, 0)
	m.seek.tail = nil
}

// enterReference goes to a part of the file that a segment index lists.
func (m *Movie) enterReference(r reference, end int64) {
	k := m.seek
	k.depth++
	k.start, k.anchored, k.limit = r.start, false, end
	k.noSidx = !r.leads
	m.pos, m.list = r.off, nil
}

// Spot is where the keyframe of a time lies, by the index of a Movie. Its keyframe may
// be read while the Movie is in use.
type Spot struct {
	// At is when the keyframe is shown, since the start of the movie.
	At time.Duration

	size  int64
	init  *Init
	track *Track
	key   []byte
	found []candidate
}

// Locate is KeyframeAt for the index alone: it reads no payload, which Spot.Keyframe
// does. Without a segment index, Locate finds ascending times in one pass over the moof
// boxes. If the index has no keyframe at all, the error wraps keyframe.ErrNotFound.
func (m *Movie) Locate(t time.Duration) (*Spot, error) {
	var s *Spot
	err := m.tryTracks(func() (err error) {
		s, err = m.locate(t)
		return err
	})
	return s, err
}

// locate is Locate for one track.
func (m *Movie) locate(t time.Duration) (*Spot, error) {
	var err error
	if k := m.seek; k != nil && t >= k.t && k.depth == 0 && k.tail == nil && len(k.found) > 0 {
		k.t = t
		err = m.locateSync()
	} else {
		err = m.searchIndex(t)
	}
	if err != nil {
		m.rewind() // so that the next search does not continue after the damage
		return nil, err
	}

	found := m.seek.found
	if len(found) == 0 {
		return nil, m.notFoundError()
	}
	return &Spot{
		At: found[len(found)-1].at, size: m.w.size,
		init: m.init, track: m.track, key: m.key, found: slices.Clone(found),
	}, nil
}

// Same reports whether s and o are the same keyframe.
func (s *Spot) Same(o *Spot) bool {
	a, b := s.found[len(s.found)-1], o.found[len(o.found)-1]
	return a.off == b.off && a.size == b.size
}

// Keyframe reads the keyframe from r, which has the bytes of the Movie. If a sync sample
// of the index holds none, Keyframe reads the one before it and sets At to its time.
// Errors are those of Movie.Keyframe.
func (s *Spot) Keyframe(r io.ReaderAt) (*keyframe.Frame, error) {
	m := NewMovie(r, s.size, s.init)
	m.key, m.track = s.key, s.track
	f, at, err := m.readLastOf(s.found)
	if f == nil && err == nil {
		err = m.notFoundError()
	}
	if err != nil {
		return nil, err
	}
	s.At = at
	return f, nil
}

// maxSearched is a time after the end of every movie.
const maxSearched = time.Duration(math.MaxInt64 / 4)

// Duration returns the duration of the video from the sample tables, else from the
// segment index, else from the moof boxes, all of which it reads then. Errors are those
// of Locate.
func (m *Movie) Duration() (time.Duration, error) {
	if _, err := m.Locate(maxSearched); err != nil {
		return 0, err
	}
	return m.searchedDuration(), nil
}

// SeenEnd returns the duration of the video if KeyframeAt has looked for a later
// keyframe than the one that it returned, up to the end, and found none.
func (m *Movie) SeenEnd() (end time.Duration, seen bool) {
	k := m.seek
	if k == nil || k.next != nil || m.track == nil {
		return 0, false
	}
	if k.limit > 0 { // the time lies in a part that an index lists
		return 0, false
	}
	return m.searchedDuration(), true
}

// searchedDuration is Duration after a search that came to the end of the index.
func (m *Movie) searchedDuration() time.Duration {
	if m.seek.total > 0 {
		return m.seek.total
	}

	t := newTable(m.track.stbl)
	first, listed := newCursor(t, m.track.editShift).next(true)
	units := m.dts - m.begun
	if listed {
		// The beginning that the edit list omits is not shown.
		units = max(m.dts, t.totalDuration()) + min(0, first.pts)
	}
	return toDuration(units, m.track.Timescale)
}

// totalDuration returns the duration of all samples.
func (t *table) totalDuration() (units int64) {
	durations := run{rest: t.durations}
	durations.skipSamples(t.count, func(count int64, delta uint32) {
		units = min(maxTime, units+int64(min(uint64(count)*uint64(delta), maxTime)))
	})
	return units
}
