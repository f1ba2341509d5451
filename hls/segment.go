package hls

import (
	"fmt"
	"sort"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Newest returns the last listed segment that is not a gap. The distance of
// three target durations from the end that RFC 8216 6.3.3 asks for is for
// playback: a still does not run dry.
//
// Its error, as that of First, Before and At, wraps [keyframe.ErrNotFound].
func (m *Media) Newest() (*Segment, error) { return m.backwards(len(m.Segments)) }

// Before returns the newest segment that is older than the one with media
// sequence number seq and is not a gap: for when that one is missing, or holds
// no keyframe.
func (m *Media) Before(seq int64) (*Segment, error) {
	end := sort.Search(len(m.Segments), func(i int) bool { return m.Segments[i].Sequence >= seq })
	return m.backwards(end)
}

// First returns the oldest listed segment that is not a gap.
func (m *Media) First() (*Segment, error) {
	for i := range m.Segments {
		if !m.Segments[i].Gap {
			return &m.Segments[i], nil
		}
	}
	return nil, m.none(len(m.Segments))
}

// At returns the segment in which to look for the last keyframe at or before t,
// counted from the first listed segment's beginning: the one that holds t, or
// the nearest before it that is not a gap. After the end that is the last
// segment, whose last keyframe is the last before t; the caller can tell by its
// Start and Duration. Where all up to t are gaps it is the first that is none.
//
// Where the segment has no keyframe up to t, Before leads on.
func (m *Media) At(t time.Duration) (*Segment, error) {
	end := sort.Search(len(m.Segments), func(i int) bool { return m.Segments[i].Start > t })
	if s, err := m.backwards(end); err == nil {
		return s, nil
	}
	return m.First()
}

// backwards returns the last of Segments[:end] that is not a gap.
func (m *Media) backwards(end int) (*Segment, error) {
	for i := end - 1; i >= 0; i-- {
		if !m.Segments[i].Gap {
			return &m.Segments[i], nil
		}
	}
	return nil, m.none(end)
}

func (m *Media) none(considered int) error {
	switch {
	case len(m.Segments) == 0:
		return fmt.Errorf("%w: the media playlist lists no segment", keyframe.ErrNotFound)
	case considered == 0:
		return fmt.Errorf("%w: the media playlist lists no older segment", keyframe.ErrNotFound)
	}
	return fmt.Errorf("%w: the media playlist lists only gaps (EXT-X-GAP)", keyframe.ErrNotFound)
}

// SameAs says whether two segments, parts or I-frames are the same bytes at the
// same place of the stream. o may be nil.
func (s *Segment) SameAs(o *Segment) bool {
	return o != nil && s.Sequence == o.Sequence && s.URI.Text == o.URI.Text && equalRange(s.ByteRange, o.ByteRange)
}
