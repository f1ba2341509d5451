package hls

import (
	"fmt"
	"iter"
	"sort"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Newest returns the last listed segment that is not a gap. RFC 8216 6.3.3 asks for
// a distance of three target durations from the end; that is for playback, and a
// still picture needs none.
//
// Its error, like those of First, Before and At, wraps [keyframe.ErrNotFound].
func (m *Media) Newest() (*Segment, error) { return m.newestBefore(len(m.Segments)) }

// Before returns the newest segment that is older than the one with media sequence
// number seq and is not a gap. Call it if that one is missing or has no keyframe.
func (m *Media) Before(seq int64) (*Segment, error) {
	end := sort.Search(len(m.Segments), func(i int) bool { return m.Segments[i].Sequence >= seq })
	return m.newestBefore(end)
}

// First returns the oldest listed segment that is not a gap.
func (m *Media) First() (*Segment, error) {
	for i := range m.Segments {
		if !m.Segments[i].Gap {
			return &m.Segments[i], nil
		}
	}
	return nil, m.noSegmentError(len(m.Segments))
}

// At returns the segment in which to look for the last keyframe at or before t,
// counted from the first listed segment's beginning: the one that holds t, or the
// nearest before it that is not a gap. If t is after the end, it is the last
// segment, as its Start and Duration show. If every segment up to t is a gap, At
// returns the first one after it that is not.
//
// If the segment has no keyframe up to t, look in the one that Before returns.
func (m *Media) At(t time.Duration) (*Segment, error) {
	end := sort.Search(len(m.Segments), func(i int) bool { return m.Segments[i].Start > t })
	if s, err := m.newestBefore(end); err == nil {
		return s, nil
	}
	return m.First()
}

// newestBefore returns the last of Segments[:end] that is not a gap.
func (m *Media) newestBefore(end int) (*Segment, error) {
	for i := end - 1; i >= 0; i-- {
		if !m.Segments[i].Gap {
			return &m.Segments[i], nil
		}
	}
	return nil, m.noSegmentError(end)
}

func (m *Media) noSegmentError(considered int) error {
	switch {
	case len(m.Segments) == 0:
		return fmt.Errorf("%w: the media playlist lists no segment", keyframe.ErrNotFound)
	case considered == 0:
		return fmt.Errorf("%w: the media playlist lists no older segment", keyframe.ErrNotFound)
	}
	return fmt.Errorf("%w: the media playlist lists only gaps (EXT-X-GAP)", keyframe.ErrNotFound)
}

// SameAs reports whether two segments, parts or I-frames are the same bytes at the
// same place of the stream. o may be nil.
func (s *Segment) SameAs(o *Segment) bool {
	return o != nil && s.Sequence == o.Sequence && s.URI.Text == o.URI.Text && equalRange(s.ByteRange, o.ByteRange)
}

// Place orders segments and their parts by when they begin.
type Place struct {
	Sequence int64
	Part     int
}

// After reports whether p begins after q.
func (p Place) After(q Place) bool {
	return p.Sequence > q.Sequence || (p.Sequence == q.Sequence && p.Part > q.Part)
}

// Place returns the place of s in its playlist.
func (s *Segment) Place() Place { return Place{s.Sequence, s.index} }

// End returns the place after everything that is listed.
func (m *Media) End() Place {
	if m.Edge != nil {
		return Place{m.Edge.Sequence, len(m.Edge.Parts)}
	}
	if n := len(m.Segments); n > 0 {
		return Place{m.Segments[n-1].Sequence + 1, 0}
	}
	return Place{m.MediaSequence, 0}
}

// NewestPlace returns the place of the newest segment, where a reader begins.
func (m *Media) NewestPlace() Place {
	if seg, err := m.Newest(); err == nil {
		return Place{seg.Sequence, 0}
	}
	return Place{m.End().Sequence, 0}
}

// EndOf returns the end of the rendition that the report r in m is about.
func (m *Media) EndOf(r RenditionReport) Place {
	last := Place{m.MediaSequence - 1, -1}
	if m.Edge != nil {
		last = Place{m.Edge.Sequence, len(m.Edge.Parts) - 1}
	} else if n := len(m.Segments); n > 0 {
		last = Place{m.Segments[n-1].Sequence, len(m.Segments[n-1].Parts) - 1}
	}

	if r.LastSequence >= 0 {
		last.Sequence = r.LastSequence
	}
	if r.LastPart >= 0 {
		last.Part = r.LastPart
	}

	if last.Part < 0 {
		return Place{last.Sequence + 1, 0}
	}
	return Place{last.Sequence, last.Part + 1}
}

// PickSegment returns the segment to take a keyframe from. For a live stream, it is
// the newest part that begins with a keyframe, or the newest segment; for a recording,
// the first segment.
func (m *Media) PickSegment() (*Segment, error) {
	if !m.Live {
		return m.First()
	}
	if part := m.newestPart(); part != nil {
		return part, nil
	}
	return m.Newest()
}

// newestPart returns the newest partial segment that begins with a keyframe, if it
// belongs to the newest segment or comes after it; else nil.
func (m *Media) newestPart() *Segment {
	for _, seg := range m.segmentsWithParts() {
		for i := len(seg.Parts) - 1; i >= 0; i-- {
			if p := &seg.Parts[i]; p.Independent && !p.Gap {
				return seg.PartSegment(i)
			}
		}
	}
	return nil
}

// Neighbour returns the segment to try if seg is useless: on a live stream the one
// before it, else the one after it. It is nil if there is none.
func (m *Media) Neighbour(seg *Segment) *Segment {
	if m.Live {
		before, _ := m.Before(seg.Sequence)
		if whole, err := m.Newest(); err == nil && seg.IsPart {
			return whole
		}
		return before
	}
	for i := range m.Segments {
		if next := &m.Segments[i]; next.Sequence > seg.Sequence && !next.Gap {
			return next
		}
	}
	return nil
}

// StartingAfter returns the oldest segment or part with a keyframe that begins
// after now, by the playlist's clock. Without a clock, it is the oldest after from,
// the end of what was listed or in the making when the grab began.
func (m *Media) StartingAfter(now time.Time, from Place) *Segment {
	return m.oldestKeyframe(func(seg *Segment) bool {
		if !seg.ProgramDateTime.IsZero() {
			return seg.ProgramDateTime.After(now)
		}
		return seg.Place().After(from)
	})
}

// NextAfter returns the oldest segment or part with a keyframe after the place at.
func (m *Media) NextAfter(at Place) *Segment {
	return m.oldestKeyframe(func(seg *Segment) bool { return seg.Place().After(at) })
}

// oldestKeyframe returns the first segment or part that should begin with a
// keyframe and is good; nil if there is none.
func (m *Media) oldestKeyframe(good func(*Segment) bool) *Segment {
	candidates := make([]*Segment, 0, len(m.Segments)+1)
	for i := range m.Segments {
		candidates = append(candidates, &m.Segments[i])
	}
	if m.Edge != nil {
		candidates = append(candidates, m.Edge)
	}

	for _, seg := range candidates {
		for i, p := range seg.eachPart() {
			if seg.Parts[i].Independent && !seg.Parts[i].Gap && good(p) {
				return p
			}
		}
		if seg != m.Edge && !seg.Gap && good(seg) {
			return seg
		}
	}

	return nil
}

// segmentsWithParts lists the segments that may have parts newer than the newest
// segment's beginning: the one in the making, and the last one.
func (m *Media) segmentsWithParts() (list []*Segment) {
	if m.Edge != nil {
		list = append(list, m.Edge)
	}
	if n := len(m.Segments); n > 0 && !m.Segments[n-1].Gap {
		list = append(list, &m.Segments[n-1])
	}
	return list
}

// PartSegment returns part i in the form of a segment.
func (s *Segment) PartSegment(i int) *Segment {
	for j, p := range s.eachPart() {
		if j == i {
			return p
		}
	}
	return nil
}

// eachPart yields each part in the form of a segment, which is valid until the next
// one.
func (s *Segment) eachPart() iter.Seq2[int, *Segment] {
	return func(yield func(int, *Segment) bool) {
		if len(s.Parts) == 0 {
			return
		}

		p := *s
		p.IsPart, p.Parts = true, nil
		for i := range s.Parts {
			part := &s.Parts[i]
			p.index = i
			p.URI, p.ByteRange, p.Duration = part.URI, part.ByteRange, part.Duration
			if !yield(i, &p) {
				return
			}
			p.Start += part.Duration
			if !p.ProgramDateTime.IsZero() {
				p.ProgramDateTime = p.ProgramDateTime.Add(part.Duration)
			}
		}
	}
}
