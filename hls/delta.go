package hls

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxMerged is as many segments as a playlist within maxLines can list.
const maxMerged = maxLines / 2

// carry puts the segments that a delta update skips in their place, with what
// they say of those behind them (draft-pantos-hls-rfc8216bis 5.2.2.2). Where
// the kept playlist has not got them all, Skipped stays.
func (b *mediaBuilder) carry() {
	m := b.media
	skipped := b.kept.between(m.MediaSequence, m.Skipped)
	if len(skipped) == 0 || len(skipped)+b.expected > maxMerged {
		return
	}
	m.Segments = make([]Segment, 0, len(skipped)+b.expected)
	for _, s := range skipped {
		s.Start = 0
		if prev := b.last(); prev != nil {
			s.Start = prev.Start + prev.Duration
		}
		s.Parts = nil // parts are listed near the edge alone
		m.Segments = append(m.Segments, s)
	}
	b.carried, m.Skipped = len(skipped), 0
	b.taken, b.init, b.tiles = b.last().Keys, b.last().Map, b.last().Tiles
	b.keys = slices.Clone(b.taken)
}

// between returns the n segments from media sequence number seq on, nil where
// they are not all listed.
func (m *Media) between(seq int64, n int) []Segment {
	if m == nil || m.Skipped > 0 || n <= 0 {
		return nil
	}
	from := seq - m.MediaSequence
	if from < 0 || from > int64(len(m.Segments)-n) {
		return nil
	}
	return m.Segments[from:][:n]
}

// goesOn says whether the segments that m and kept both list are the same ones.
// A server that began anew counts from the same numbers with other pictures.
func (m *Media) goesOn(kept *Media) bool {
	for i := range m.Segments {
		s := &m.Segments[i]
		if before := kept.between(s.Sequence, 1); before != nil && !s.sameAs(&before[0]) {
			return false
		}
	}
	return m.Skipped == 0
}

func equalRange(a, b *ByteRange) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// skippable says whether a delta update may be asked for by somebody whose
// playlist is this old: up to half of the skip boundary
// (draft-pantos-hls-rfc8216bis 6.2.5.1).
func (c ServerControl) skippable(age time.Duration) bool {
	return c.CanSkipUntil > 0 && age >= 0 && age <= c.CanSkipUntil/2
}

// skipURL asks for a delta update of the playlist at u. What else is in the query
// stays as it is, byte for byte: it may be signed.
func skipURL(u *url.URL) *url.URL {
	const directive = "_HLS_skip="
	if strings.Contains("&"+u.RawQuery, "&"+directive) {
		return u
	}
	skip := *u
	if skip.RawQuery != "" {
		skip.RawQuery += "&"
	}
	skip.RawQuery += directive + "YES"
	return &skip
}

// withoutDirectives is the address of a playlist whatever was asked of it
// (draft-pantos-hls-rfc8216bis 6.2.5: _HLS_msn, _HLS_part, _HLS_skip).
func withoutDirectives(u *url.URL) string {
	rest := slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(parameter string) bool {
		return strings.HasPrefix(parameter, "_HLS_")
	})
	plain := *u
	plain.RawQuery = strings.Join(rest, "&")
	return plain.String()
}
