package hls

import (
	"context"
	"fmt"
	"iter"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// Edge is which keyframe of a live stream is wanted.
type Edge uint8

const (
	// EdgeFirst is the first keyframe of the newest segment, or of the newest
	// partial segment that has one: the cheapest.
	EdgeFirst Edge = iota
	// EdgeLast is the newest keyframe that is listed. In a transport stream without
	// an I-frame playlist it costs what stands behind it in its segment.
	EdgeLast
	// EdgeNext waits for a keyframe that is taken after the grab began, by the
	// playlist's clock where it has one, else by what is listed then for the first
	// time.
	EdgeNext
)

var edgeNames = [...]string{"first", "last", "next"}

// String returns the name that ParseEdge takes.
func (e Edge) String() string {
	if int(e) >= len(edgeNames) {
		return fmt.Sprintf("Edge(%d)", uint8(e))
	}
	return edgeNames[e]
}

// ParseEdge returns the edge of that name: "first", "last" or "next".
func ParseEdge(name string) (Edge, error) {
	for i, n := range edgeNames {
		if n == name {
			return Edge(i), nil
		}
	}
	return 0, fmt.Errorf("unknown edge %q: want first, last or next", name)
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (e Edge) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what ParseEdge does. It implements encoding.TextUnmarshaler.
func (e *Edge) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEdge(string(text))
	return err
}

// take returns the keyframe of seg that is wanted.
func (s *Source) take(ctx context.Context, seg *Segment) (*keyframe.Frame, error) {
	if seg.isImage {
		return s.picture(ctx, seg)
	}
	if s.opts.Edge != EdgeLast || seg.isPart || seg.isIFrame {
		return s.first(ctx, seg)
	}
	r, err := s.open(ctx, seg)
	if err != nil {
		return nil, err
	}
	defer r.close()
	f, err := r.last()
	if err != nil {
		return nil, err
	}
	r.date(f)
	if s.course != nil {
		s.course.at = place{seg.Sequence, math.MaxInt}
	}
	return f, nil
}

// last returns the last keyframe of the segment. The index of fMP4 tells where it
// is; a transport stream is searched from its end.
func (r *reading) last() (*keyframe.Frame, error) {
	switch c := r.container.(type) {
	case *fmp4.Movie:
		return c.KeyframeAt(maxDuration)
	case *ts.Reader:
		if r.at != nil && r.at.Size() > 0 {
			return ts.Last(r.at, r.at.Size(), r.options)
		}
		return ts.LastBefore(c, keyframe.NoPTS, maxDuration)
	}
	return r.Keyframe()
}

// newestPart returns the newest partial segment that begins with a keyframe, if it
// is of the newest segment or behind it: nil otherwise.
func (m *Media) newestPart() *Segment {
	for _, seg := range m.partial() {
		for i := len(seg.Parts) - 1; i >= 0; i-- {
			if p := &seg.Parts[i]; p.Independent && !p.Gap {
				return seg.part(i)
			}
		}
	}
	return nil
}

// partial lists what may have parts newer than the newest segment's beginning: the
// segment in the making, and the last one.
func (m *Media) partial() (list []*Segment) {
	if m.Edge != nil {
		list = append(list, m.Edge)
	}
	if n := len(m.Segments); n > 0 && !m.Segments[n-1].Gap {
		list = append(list, &m.Segments[n-1])
	}
	return list
}

// part makes part i look like a segment.
func (s *Segment) part(i int) *Segment {
	for j, p := range s.eachPart() {
		if j == i {
			return p
		}
	}
	return nil
}

// eachPart makes each part look like a segment. What it yields is good until the
// next one.
func (s *Segment) eachPart() iter.Seq2[int, *Segment] {
	return func(yield func(int, *Segment) bool) {
		if len(s.Parts) == 0 {
			return
		}
		p := *s
		p.isPart, p.Parts = true, nil
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

// place orders segments and parts by when they begin.
type place struct {
	sequence int64
	part     int
}

func (p place) after(q place) bool {
	return p.sequence > q.sequence || p.sequence == q.sequence && p.part > q.part
}

// place is where s stands in its playlist.
func (s *Segment) place() place { return place{s.Sequence, s.index} }

// end is the place behind all that is listed.
func (m *Media) end() place {
	if m.Edge != nil {
		return place{m.Edge.Sequence, len(m.Edge.Parts)}
	}
	if n := len(m.Segments); n > 0 {
		return place{m.Segments[n-1].Sequence + 1, 0}
	}
	return place{m.MediaSequence, 0}
}

// beginsAfter returns the oldest keyframe's segment or part that begins after now,
// by the playlist's clock; without a clock, after the place from, where what was in
// the making when the grab began ended.
func (m *Media) beginsAfter(now time.Time, from place) *Segment {
	return m.oldest(func(seg *Segment) bool {
		if !seg.ProgramDateTime.IsZero() {
			return seg.ProgramDateTime.After(now)
		}
		return seg.place().after(from)
	})
}

// after returns the oldest keyframe's segment or part after the place at.
func (m *Media) after(at place) *Segment {
	return m.oldest(func(seg *Segment) bool { return seg.place().after(at) })
}

// oldest returns the first segment or part that should begin with a keyframe and is
// good. nil where there is none.
func (m *Media) oldest(good func(*Segment) bool) *Segment {
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

// next waits for a keyframe that is not listed yet: by blocking reload where the
// server offers it, else by asking again.
func (s *Source) next(ctx context.Context, media *Media) (*keyframe.Frame, error) {
	from := media.end()
	if s.ahead != nil && s.variant == s.chosen {
		from = *s.ahead
	}
	s.ahead = nil
	for {
		if seg := media.beginsAfter(s.begun, from); seg != nil {
			return s.grab(ctx, media, seg)
		}
		if !media.Live {
			return nil, fmt.Errorf("%w: the stream ended", keyframe.ErrNotFound)
		}
		var err error
		if media, err = s.nextPlaylist(ctx, media); err != nil {
			return nil, err
		}
	}
}

// nextPlaylist returns what the playlist media has become, after a wait.
func (s *Source) nextPlaylist(ctx context.Context, media *Media) (*Media, error) {
	before := media.end()
	var err error
	if media.ServerControl.CanBlockReload {
		media, err = s.blockingReload(ctx, media)
	} else if err = pause(ctx, media.reloadAfter()); err == nil {
		media, err = s.mediaPlaylist(ctx)
	}
	if err != nil {
		return nil, err
	}
	// A server that answers a blocking reload at once with nothing new would be
	// asked without pause.
	if !media.end().after(before) {
		err = pause(ctx, media.reloadAfter())
	}
	return media, err
}

// minReload keeps a playlist of absurdly short segments from being asked for all
// the time.
const minReload = 200 * time.Millisecond

// reloadAfter is how long to wait before asking for the playlist again: half of
// what may be added to it (RFC 8216 6.3.4).
func (m *Media) reloadAfter() time.Duration {
	d := m.TargetDuration
	if m.PartTarget > 0 {
		d = m.PartTarget
	}
	return max(d/2, minReload)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the next keyframe: %w", context.Cause(ctx))
	}
}

// blockingReload asks for the playlist with what comes next
// (draft-pantos-hls-rfc8216bis 6.2.5.2).
func (s *Source) blockingReload(ctx context.Context, media *Media) (*Media, error) {
	next := media.end()
	u, err := s.address()
	if err != nil {
		return nil, err
	}
	p, err := s.playlist(ctx, blocking(u, next, media.PartTarget > 0))
	if err != nil {
		return nil, err
	}
	if p.Media == nil {
		return nil, fmt.Errorf("%w: the media playlist has become a master playlist", keyframe.ErrCorrupt)
	}
	return p.Media, nil
}

// blocking adds the delivery directives to a playlist's address. What stands in its
// query stays as it is.
func blocking(u *url.URL, next place, parts bool) *url.URL {
	query := "_HLS_msn=" + strconv.FormatInt(next.sequence, 10)
	if parts {
		query += "&_HLS_part=" + strconv.Itoa(next.part)
	}
	b := *u
	if b.RawQuery != "" {
		query = b.RawQuery + "&" + query
	}
	b.RawQuery = query
	return &b
}
