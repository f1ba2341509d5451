package hlssource

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// take returns the keyframe of seg that is wanted.
func (s *Source) take(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	if seg.IsImage {
		return s.picture(ctx, seg)
	}
	if s.opts.Edge != hls.EdgeLast || seg.IsPart || seg.IsIFrame {
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
		s.course.at = hls.Place{Sequence: seg.Sequence, Part: math.MaxInt}
	}
	return f, nil
}

// forever is longer than any segment.
const forever = 100_000 * time.Second

// last returns the last keyframe of the segment. The index of fMP4 tells where it
// is; a transport stream is searched from its end.
func (r *reading) last() (*keyframe.Frame, error) {
	switch c := r.container.(type) {
	case *fmp4.Movie:
		return c.KeyframeAt(forever)
	case *ts.Reader:
		if r.at != nil && r.at.Size() > 0 {
			return ts.Last(r.at, r.at.Size(), r.options)
		}
		return ts.LastBefore(c, keyframe.NoPTS, forever)
	}
	return r.Keyframe()
}

// next waits for a keyframe that is not listed yet: by blocking reload where the
// server offers it, else by asking again.
func (s *Source) next(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	from := media.End()
	if s.ahead != nil && s.variant == s.chosen {
		from = *s.ahead
	}
	s.ahead = nil
	for {
		if seg := media.StartingAfter(s.begun, from); seg != nil {
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
func (s *Source) nextPlaylist(ctx context.Context, media *hls.Media) (*hls.Media, error) {
	before := media.End()
	var err error
	if media.ServerControl.CanBlockReload {
		media, err = s.blockingReload(ctx, media)
	} else if err = pause(ctx, reloadAfter(media)); err == nil {
		media, err = s.mediaPlaylist(ctx)
	}
	if err != nil {
		return nil, err
	}
	// A server that answers a blocking reload at once with nothing new would be
	// asked without pause.
	if !media.End().After(before) {
		err = pause(ctx, reloadAfter(media))
	}
	return media, err
}

// minReload keeps a playlist of absurdly short segments from being asked for all
// the time.
const minReload = 200 * time.Millisecond

// reloadAfter is how long to wait before asking for the playlist again: half of
// what may be added to it (RFC 8216 6.3.4).
func reloadAfter(m *hls.Media) time.Duration {
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
func (s *Source) blockingReload(ctx context.Context, media *hls.Media) (*hls.Media, error) {
	next := media.End()
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
func blocking(u *url.URL, next hls.Place, parts bool) *url.URL {
	query := "_HLS_msn=" + strconv.FormatInt(next.Sequence, 10)
	if parts {
		query += "&_HLS_part=" + strconv.Itoa(next.Part)
	}
	b := *u
	if b.RawQuery != "" {
		query = b.RawQuery + "&" + query
	}
	b.RawQuery = query
	return &b
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

// skippable says whether a delta update may be asked for by somebody whose
// playlist is this old: up to half of the skip boundary
// (draft-pantos-hls-rfc8216bis 6.2.5.1).
func skippable(c hls.ServerControl, age time.Duration) bool {
	return c.CanSkipUntil > 0 && age >= 0 && age <= c.CanSkipUntil/2
}
