package hls

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxMerged is as many segments as a playlist within maxLines can list.
const maxMerged = maxLines / 2

// carrySkipped inserts the segments that a delta update skips, with the keys and
// maps that apply to those after them (draft-pantos-hls-rfc8216bis 5.2.2.2). If the
// kept playlist does not have all of them, Skipped stays.
func (b *mediaBuilder) carrySkipped() {
	m := b.media
	skipped := b.kept.segmentsBetween(m.MediaSequence, m.Skipped)
	if len(skipped) == 0 || len(skipped)+b.expected > maxMerged {
		return
	}

	m.Segments = make([]Segment, 0, len(skipped)+b.expected)
	for _, s := range skipped {
		s.Start = 0
		if prev := b.lastSegment(); prev != nil {
			s.Start = prev.Start + prev.Duration
		}
		s.Parts = nil // parts are listed only near the edge
		m.Segments = append(m.Segments, s)
	}
	b.carried, m.Skipped = len(skipped), 0
	b.taken, b.init, b.tiles = b.lastSegment().Keys, b.lastSegment().Map, b.lastSegment().Tiles
	b.keys = slices.Clone(b.taken)
}

// segmentsBetween returns the n segments from media sequence number seq on, nil if
// not all of them are listed.
func (m *Media) segmentsBetween(seq int64, n int) []Segment {
	if m == nil || m.Skipped > 0 || n <= 0 {
		return nil
	}
	from := seq - m.MediaSequence
	if from < 0 || from > int64(len(m.Segments)-n) {
		return nil
	}
	return m.Segments[from:][:n]
}

// ParseUpdate reads a playlist whose skipped segments are in m: a delta update, for
// which a client that has m can ask. It returns an error if the two do not join up.
func (m *Media) ParseUpdate(data []byte, base *url.URL, parent *Master) (*Playlist, error) {
	p, err := parsePlaylist(data, base, parent, m)
	if err == nil && (p.Media == nil || !p.Media.joinsUp(m)) {
		return nil, fmt.Errorf("%w: the delta update does not join up", keyframe.ErrCorrupt)
	}
	return p, err
}

// joinsUp reports whether the segments that m and kept both list are the same ones.
// A server that began anew counts from the same numbers with other pictures.
func (m *Media) joinsUp(kept *Media) bool {
	for i := range m.Segments {
		s := &m.Segments[i]
		if before := kept.segmentsBetween(s.Sequence, 1); before != nil && !s.SameAs(&before[0]) {
			return false
		}
	}
	return m.Skipped == 0
}

func equalRange(a, b *ByteRange) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}
