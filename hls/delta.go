package hls

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxMerged is as many segments as a playlist within maxLines can list.
const maxMerged = maxLines / 2

// update is what a delta update (EXT-X-SKIP) knows of the playlist that it continues.
type update struct {
	kept    *Media   // that playlist; nil if there is none
	isDelta bool     // EXT-X-SKIP was there
	carried int      // segments taken from kept
	before  *Segment // of kept, before the first one of the playlist; may be nil

	// What the update has stated by tags so far.
	statesMap, statesKeys, statesTiles, statesBitrate bool
}

// carrySkipped inserts the segments that a delta update skips, with the keys and
// maps that apply to those after them (draft-pantos-hls-rfc8216bis 5.2.2.2). If the
// kept playlist does not have all of them, Skipped stays.
func (b *mediaBuilder) carrySkipped() {
	m := b.media
	b.isDelta = true
	if before := b.kept.segmentsBetween(m.MediaSequence-1, 1); before != nil {
		b.before = &before[0]
	}
	skipped := b.kept.segmentsBetween(m.MediaSequence, m.Skipped)
	if len(skipped)+b.expected > maxMerged {
		return
	}
	if len(skipped) == 0 {
		b.applyFirstState()
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
	b.applyStateOf(b.lastSegment())
}

// applyFirstState makes what the kept playlist says about the first segment apply
// from there on, if the update skips none; or about the one before it, if that was
// the last.
func (b *mediaBuilder) applyFirstState() {
	first := b.kept.segmentsBetween(b.media.MediaSequence, 1)
	switch {
	case b.media.Skipped > 0:
	case first != nil:
		b.applyStateOf(&first[0])
	case b.before != nil:
		b.applyStateOf(b.before)
	}
}

// applyStateOf makes what applies to s apply to the segments that follow, except for
// what the update has stated itself.
func (b *mediaBuilder) applyStateOf(s *Segment) {
	if !b.statesMap {
		b.init = s.Map
	}
	if !b.statesKeys {
		b.taken, b.keys = s.Keys, slices.Clone(s.Keys)
	}
	if !b.statesTiles {
		b.tiles = s.Tiles
	}
	if !b.statesBitrate {
		b.rate = s.Bitrate
	}
}

// inheritUnstated gives s, which a delta update lists, what the update leaves out and
// the kept playlist had for the same segment. MediaMTX leaves out EXT-X-MAP as soon
// as a delta update is asked for, even if it skips no segment.
func (b *mediaBuilder) inheritUnstated(s *Segment) {
	if !b.isDelta {
		return
	}
	kept := b.kept.segmentsBetween(s.Sequence, 1)
	if kept == nil || !kept[0].SameAs(s) {
		return
	}
	b.applyStateOf(&kept[0])
	s.Map, s.Keys, s.Tiles, s.Bitrate = b.init, b.taken, b.tiles, b.rate
	s.Discontinuity = s.Discontinuity || kept[0].Discontinuity
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
