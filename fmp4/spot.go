package fmp4

import (
	"io"
	"math"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Spot is where the keyframe of a time lies, as the index of a Movie tells. It is
// apart from the Movie: its keyframe may be read while the Movie is used.
type Spot struct {
	// At is when the keyframe is shown, since the start of the movie.
	At time.Duration

	size  int64
	init  *Init
	track *Track
	key   []byte
	found []candidate
}

// Locate is KeyframeAt for the index alone: it reads no payload. Spot.Keyframe does
// then, where and when the caller wants. Times that ascend are found in one walk over
// the moof boxes, where there is no segment index. Where the index knows of no
// keyframe at all, the error wraps keyframe.ErrNotFound.
func (m *Movie) Locate(t time.Duration) (*Spot, error) {
	var err error
	if k := m.seek; k != nil && t >= k.t && k.depth == 0 && k.tail == nil && len(k.found) > 0 {
		k.t = t
		err = m.locateSync()
	} else {
		err = m.searchIndex(t)
	}
	if err != nil {
		m.rewind() // lest the next search go on behind the damage
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

// Same says whether s and o are of the same keyframe.
func (s *Spot) Same(o *Spot) bool {
	a, b := s.found[len(s.found)-1], o.found[len(o.found)-1]
	return a.off == b.off && a.size == b.size
}

// Keyframe reads the keyframe in r, whose bytes are those of the Movie. Where a
// sample that the index calls sync holds none, the one before it is read, and At is
// set to its time. Errors are those of Movie.Keyframe.
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

// maxSearched is a time behind the end of every movie.
const maxSearched = time.Duration(math.MaxInt64 / 4)

// Duration returns how long the video is, by the sample tables, else by the segment
// index, else by the moof boxes, all of which are read then. Errors are those of
// Locate.
func (m *Movie) Duration() (time.Duration, error) {
	if _, err := m.Locate(maxSearched); err != nil {
		return 0, err
	}
	if m.seek.total > 0 {
		return m.seek.total, nil
	}
	t := newTable(m.track.stbl)
	first, listed := newCursor(t, m.track.editShift).next(true)
	units := m.dts - m.begun
	if listed {
		// What the edit list leaves out at the beginning is not shown.
		units = max(m.dts, t.totalDuration()) + min(0, first.pts)
	}
	return toDuration(units, m.track.Timescale), nil
}

// totalDuration returns how long all samples last.
func (t *table) totalDuration() (units int64) {
	durations := run{rest: t.durations}
	durations.skipSamples(t.count, func(count int64, delta uint32) {
		units = min(maxTime, units+int64(min(uint64(count)*uint64(delta), maxTime)))
	})
	return units
}
