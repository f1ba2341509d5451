package hls

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Limits of the values and numbers of tags in a media playlist.
const (
	// maxSequence leaves room to count on: sequence numbers made from a clock in
	// nanoseconds are 2⁶¹.
	maxSequence = 1 << 62
	// maxSkipped is a year of 1 s segments.
	maxSkipped = 1 << 25
	// maxKeys: one for each DRM system that applies at once; three are common.
	maxKeys = 16
	// maxAllKeys bounds the sum over the segments where a key changes: their keys
	// are in lines of their own.
	maxAllKeys = maxLines
	// maxParts: parts are listed for the last three target durations, 300 of
	// them if they are 100 ms and the target 10 s.
	maxParts = 1 << 13
	// maxBitrate is 100 Gbit/s, in kbit/s.
	maxBitrate = 100_000_000
	// maxReports: one for each other rendition.
	maxReports = 1 << 10
)

// mediaBuilder puts segments together: readTag is called for the tags in the
// playlist's order, and addSegment for each URI.
type mediaBuilder struct {
	base  *url.URL
	media *Media
	next  Segment // set by the tags since the last URI
	keys  []Key
	taken []Key // copy of keys that segments hold; nil after keys has changed
	all   int   // keys in all such copies
	init  *Map
	tiles *Tiles
	rate  int // EXT-X-BITRATE, bit/s

	nextRange string // EXT-X-BYTERANGE since the last URI
	nextDate  string // EXT-X-PROGRAM-DATE-TIME since then
	lastPart  *Part  // for byte ranges that continue it
	parts     int

	ended, isVOD bool

	update
	expected int // segments that the playlist itself has
}

// readTag reads one tag.
func (b *mediaBuilder) readTag(t tag) error {
	switch t.name {
	case tagLost: // a URI without EXTINF: drop the tags that applied only to it
		b.next, b.nextRange, b.nextDate = Segment{}, "", ""
	case "#EXT-X-BYTERANGE":
		b.nextRange = t.value
	case "#EXT-X-DISCONTINUITY":
		b.next.Discontinuity = true
	case "#EXT-X-GAP":
		b.next.Gap = true
	case "#EXT-X-BITRATE":
		b.rate, b.statesBitrate = min(parseCount(strings.TrimSpace(t.value)), maxBitrate)*1000, true
	case "#EXT-X-PROGRAM-DATE-TIME":
		b.nextDate = t.value
	case tagKey:
		return b.addKey(t.value)
	case "#EXT-X-MAP":
		return b.setMap(t.value)
	case "#EXT-X-TILES":
		b.tiles, b.statesTiles = parseTiles(t.value), true
	case tagPart:
		return b.addPart(t.value)
	default:
		return b.readHeader(t)
	}

	return nil
}

// readHeader reads the tags that apply to the whole playlist.
func (b *mediaBuilder) readHeader(t tag) error {
	m := b.media
	switch t.name {
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		var err error
		m.DiscontinuitySequence, err = readSequence(t.value, m.DiscontinuitySequence)
		return err
	case "#EXT-X-PLAYLIST-TYPE":
		if kind := strings.TrimSpace(t.value); kind == "VOD" || kind == "EVENT" {
			b.isVOD = kind == "VOD"
		}
	case "#EXT-X-ENDLIST":
		b.ended = b.ended || t.value == ""
	case "#EXT-X-I-FRAMES-ONLY":
		m.IFramesOnly = true
	case "#EXT-X-TARGETDURATION":
		m.TargetDuration = parseSeconds(t.value)
	case "#EXT-X-INDEPENDENT-SEGMENTS":
		m.IndependentSegments = true
	case "#EXT-X-IMAGES-ONLY":
		m.ImagesOnly = true
	case "#EXT-X-PART-INF":
		for name, value := range attributeList(t.value) {
			if name == "PART-TARGET" {
				m.PartTarget = parseSeconds(value)
			}
		}
	case "#EXT-X-SERVER-CONTROL":
		m.ServerControl = parseServerControl(t.value)
	case "#EXT-X-START":
		m.Start = parseStartPoint(t.value)
	case "#EXT-X-SKIP":
		for name, value := range attributeList(t.value) {
			if name == "SKIPPED-SEGMENTS" {
				m.Skipped = parseCount(value)
			}
		}
		if m.Skipped > maxSkipped || len(m.Segments) > 0 {
			return fmt.Errorf("%w: EXT-X-SKIP after a segment, or of more than %d", keyframe.ErrCorrupt, maxSkipped)
		}
		b.carrySkipped()
	case "#EXT-X-RENDITION-REPORT":
		if len(m.RenditionReports) == maxReports {
			return tooMany(t.name, maxReports)
		}
		m.RenditionReports = append(m.RenditionReports, parseRenditionReport(t.value, b.base))
	}

	return nil
}

// countListed returns how many segments the playlist itself had so far.
func (b *mediaBuilder) countListed() int { return len(b.media.Segments) - b.carried }

// addSegment completes the segment that the tags were about.
func (b *mediaBuilder) addSegment(uri string, length float64) error {
	s, err := b.completeSegment()
	if err != nil {
		return err
	}
	s.URI = URI{uri, b.base}
	s.Duration = toDuration(length)

	if b.nextRange != "" {
		r, err := parseByteRange(b.nextRange, b.rangeBefore(uri))
		if err != nil {
			return fmt.Errorf("EXT-X-BYTERANGE of segment %d: %w", s.Sequence, err)
		}
		s.ByteRange = r
	}
	b.inheritUnstated(&s)

	if b.media.Segments == nil {
		b.media.Segments = make([]Segment, 0, b.expected)
	}
	b.media.Segments = append(b.media.Segments, s)
	b.next, b.nextRange, b.nextDate = Segment{}, "", ""
	return nil
}

// rangeBefore returns the range that one without offset continues: of the segment
// before, or of the initialisation section that the first one follows. It is nil if
// that is another resource.
func (b *mediaBuilder) rangeBefore(uri string) *ByteRange {
	prev := b.lastSegment()
	if prev == nil {
		prev = b.before
	}
	switch {
	case prev != nil && prev.URI.Text == uri:
		return prev.ByteRange
	case prev == nil && b.init != nil && b.init.URI.Text == uri:
		return b.init.ByteRange
	}
	return nil
}

// completeSegment returns the next segment with all that it inherits from those
// before.
func (b *mediaBuilder) completeSegment() (s Segment, err error) {
	s = b.next
	s.Sequence = b.media.MediaSequence + int64(b.media.Skipped+len(b.media.Segments))
	if s.Keys, err = b.takeKeys(); err != nil {
		return s, err
	}

	s.Map, s.Tiles, s.Bitrate = b.init, b.tiles, b.rate
	s.ProgramDateTime = parseDateTime(b.nextDate)
	if prev := b.lastSegment(); prev != nil {
		s.Start = prev.Start + prev.Duration
		if s.ProgramDateTime.IsZero() && !prev.ProgramDateTime.IsZero() {
			s.ProgramDateTime = prev.ProgramDateTime.Add(prev.Duration)
		}
	}
	return s, nil
}

func (b *mediaBuilder) lastSegment() *Segment {
	if len(b.media.Segments) == 0 {
		return nil
	}
	return &b.media.Segments[len(b.media.Segments)-1]
}

// finishMedia adds the edge, and dates the segments before the first date.
func (b *mediaBuilder) finishMedia() (*Media, error) {
	b.media.Live = !b.ended && !b.isVOD
	if len(b.next.Parts) > 0 {
		edge, err := b.completeSegment()
		if err != nil {
			return nil, err
		}
		b.media.Edge = &edge
	}

	segments := b.media.Segments
	for i := range segments {
		s := &segments[i]
		s.IsIFrame = b.media.IFramesOnly && s.ByteRange != nil
		s.IsImage, s.Tile = b.media.ImagesOnly, 0
		if s.IsImage && b.media.Live {
			s.Tile = s.LastTile()
		}
	}

	for i := len(segments) - 2; i >= 0; i-- {
		s, after := &segments[i], &segments[i+1]
		if s.ProgramDateTime.IsZero() && !after.ProgramDateTime.IsZero() {
			s.ProgramDateTime = after.ProgramDateTime.Add(-s.Duration)
		}
	}
	return b.media, nil
}

// addKey reads one EXT-X-KEY: it replaces the key of the same KEYFORMAT, and NONE
// replaces all.
func (b *mediaBuilder) addKey(attributes string) error {
	k := Key{URI: URI{Base: b.base}, KeyFormat: "identity"}
	for name, value := range attributeList(attributes) {
		switch name {
		case "METHOD":
			k.Method = value
		case "URI":
			k.URI.Text = value
		case "KEYFORMAT":
			k.KeyFormat = value
		case "IV":
			var err error
			if k.IV, err = parseIV(value); err != nil {
				return err
			}
		}
	}

	b.taken, b.statesKeys = nil, true
	if k.Method == "NONE" {
		b.keys = b.keys[:0]
		return nil
	}

	switch i := slices.IndexFunc(b.keys, func(old Key) bool { return old.KeyFormat == k.KeyFormat }); {
	case i >= 0:
		b.keys[i] = k
	case len(b.keys) == maxKeys:
		return tooMany("keys for one segment", maxKeys)
	default:
		b.keys = append(b.keys, k)
	}
	return nil
}

// takeKeys returns the keys that apply now. Between changes it returns the same
// slice.
func (b *mediaBuilder) takeKeys() ([]Key, error) {
	if b.taken == nil && len(b.keys) > 0 {
		if b.all += len(b.keys); b.all > maxAllKeys {
			return nil, tooMany("keys", maxAllKeys)
		}
		b.taken = slices.Clone(b.keys)
	}
	return b.taken, nil
}

// setMap reads one EXT-X-MAP. A byte range without offset begins at 0: there is
// nothing that it could continue.
func (b *mediaBuilder) setMap(attributes string) error {
	keys, err := b.takeKeys()
	if err != nil {
		return err
	}

	m := &Map{URI: URI{Base: b.base}, Keys: keys}
	for name, value := range attributeList(attributes) {
		switch name {
		case "URI":
			m.URI.Text = value
		case "BYTERANGE":
			r, err := parseByteRange(value, &ByteRange{})
			if err != nil {
				return fmt.Errorf("EXT-X-MAP: %w", err)
			}
			m.ByteRange = r
		}
	}
	b.init, b.statesMap = m, true
	return nil
}

// addPart reads one EXT-X-PART.
func (b *mediaBuilder) addPart(attributes string) error {
	if b.parts++; b.parts > maxParts {
		return tooMany(tagPart, maxParts)
	}

	p := Part{URI: URI{Base: b.base}}
	span := ""
	for name, value := range attributeList(attributes) {
		switch name {
		case "URI":
			p.URI.Text = value
		case "DURATION":
			p.Duration = parseSeconds(value)
		case "INDEPENDENT":
			p.Independent = value == "YES"
		case "GAP":
			p.Gap = value == "YES"
		case "BYTERANGE":
			span = value
		}
	}
	if span != "" {
		var before *ByteRange
		if b.lastPart != nil && b.lastPart.URI.Text == p.URI.Text {
			before = b.lastPart.ByteRange
		}
		r, err := parseByteRange(span, before)
		if err != nil {
			return fmt.Errorf("EXT-X-PART: %w", err)
		}
		p.ByteRange = r
	}
	b.lastPart = &p
	b.next.Parts = append(b.next.Parts, p)
	return nil
}
