package hlssource

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxAlternates bounds what is tried in place of a variant that cannot be
	// fetched. Services have two or three pathways.
	maxAlternates = 3

	// maxCandidates bounds the renditions that are tried because one has no video that
	// is read: audio for each of some languages, another codec for each of some sizes.
	// maxDisbelieved is that number if CODECS says that none will be read.
	maxCandidates  = 6
	maxDisbelieved = 2

	// maxPatience is how long a media playlist, or the segments read for one keyframe,
	// may take if there is an alternate. If the job ends earlier, it is half of what
	// is left.
	maxPatience = 10 * time.Second
)

// grab is one call of Keyframe, Keyframes, Receive, Timeline or Probe.
type grab struct {
	*Source
	want         Options // those of the Source, except where the call rules some out
	everyPicture bool    // neither I-frames nor images will do
	began        time.Time
	cancels      []context.CancelFunc // of contexts that last until the end

	spare      int        // alternates that may still be tried
	candidates int        // renditions that may still be tried
	stated     error      // why the master playlist's CODECS rule out all of them; may be nil
	fresh      bool       // the master playlist was fetched in this grab
	ahead      *hls.Place // what an alternate's playlist has next, from a rendition report; may be nil

	// The place of the last keyframe, to continue from there.
	media   *hls.Media
	at      hls.Place
	reading *reading        // a segment in which there may be more; nil if not
	tile    *hls.Segment    // nil: the keyframe was none
	image   *keyframe.Frame // that the tile is in
}

func (s *Source) newGrab(want Options) *grab {
	s.size = 0
	return &grab{Source: s, want: want, began: time.Now(), spare: len(s.alternates), candidates: maxCandidates}
}

// end closes everything that the grab holds open.
func (g *grab) end() {
	g.leaveSegment()
	for _, cancel := range g.cancels {
		cancel()
	}
}

// findInVariant returns the wanted keyframe of one variant: from its I-frame or image
// playlist or, if that fails, from the variant itself.
func (g *grab) findInVariant(ctx context.Context) (*keyframe.Frame, error) {
	for {
		media, err := g.choosePlaylist(ctx)
		if err == nil {
			var f *keyframe.Frame
			if f, err = g.findInPlaylist(ctx, media); err == nil {
				return f, nil
			}
			if isChannelList(media) && ctx.Err() == nil {
				return nil, channelListError(media, err)
			}
		}
		if !g.setAside(ctx, err) {
			return nil, err
		}
	}
}

// isChannelList reports whether m lists channels, as IPTV programs do, with
// #EXTINF:-1 and no target duration, which RFC 8216 4.3.3.1 requires. Some of them
// have one channel, whose video can be read, so that this only explains an error.
func isChannelList(m *hls.Media) bool {
	timed := func(s hls.Segment) bool { return s.Duration > 0 }
	return m.TargetDuration == 0 && len(m.Segments) > 0 && !slices.ContainsFunc(m.Segments, timed)
}

func channelListError(m *hls.Media, err error) error {
	return fmt.Errorf("%w: this is a list of channels (%d); open the URL of one, such as %s: %v",
		keyframe.ErrUnsupported, len(m.Segments), m.Segments[0].URI, err)
}

// failOver calls try, and if the variant cannot be fetched, calls it again with the
// next alternate (RFC 8216 4.3.4.2; PATHWAY-ID of draft-pantos-hls-rfc8216bis
// 4.4.6.2). The alternate that worked is kept for the next grab, unless its picture
// is of another size. If the variant has no video that is read, the next rendition
// takes its place for good. The error is the first one.
func failOver[T any](ctx context.Context, g *grab, try func(context.Context) (T, error)) (T, error) {
	result, err := try(ctx)
	first := err

	for err != nil {
		if g.spare > 0 && mayHelp(ctx, err, anotherAddress) {
			g.spare--
			next := g.alternates[0]
			g.log(ctx, "fail-over", "to", next.String(), "pathway", next.PathwayID, "uri", g.master.VideoURI(next).String(), "because", err)
			g.turnTo(next, append(g.alternates[1:len(g.alternates):len(g.alternates)], g.chosen))
		} else if !mayHelp(ctx, err, anotherRendition) || !g.chooseAnother(ctx, err) {
			break
		}
		result, err = try(ctx)
	}

	if g.chosen != nil && (g.chosen.Width != g.picked.Width || g.chosen.Height != g.picked.Height) {
		g.forgetLadder()
	}
	switch {
	case err == nil || ctx.Err() != nil:
	case g.stated != nil:
		g.forgetLadder()
		err = g.stated
	default:
		err = first
	}
	return result, err
}

// chooseAnother makes the next best rendition the one to read, because the chosen one
// has no video that is read. It reports whether there is one.
func (g *grab) chooseAnother(ctx context.Context, because error) bool {
	if g.chosen == nil || g.candidates == 0 {
		return false
	}
	g.candidates--

	masters := append(slices.Clip(g.outer), g.master.Without(g.chosen))
	for ; len(masters) > 0; masters = masters[:len(masters)-1] {
		master := masters[len(masters)-1]
		choice, err := master.Pick(g.want.PickOptions)
		if err != nil {
			continue
		}
		g.log(ctx, "another rendition", "because", because)
		g.turnTo(nil, nil)
		g.takeChoice(ctx, master, choice)
		g.outer = masters[:len(masters)-1]
		return true
	}
	return false
}

// turnTo makes v the variant to read. If the grab waits for the next keyframe and
// there is a report on v, its playlist is first requested with the next segment in it.
func (g *grab) turnTo(v *hls.Variant, alternates []*hls.Variant) {
	if v != nil {
		g.ahead = g.reportedPlace(v)
	}
	g.chosen, g.alternates = v, alternates
	g.variant, g.noIFrames, g.noTiles = nil, false, false
	g.forgetRendition()
}

// reportedPlace returns the place after everything that the rendition v lists,
// according to the playlist that was read last. It is nil if there is no report, or if
// the server cannot wait for the next segment of v.
func (g *grab) reportedPlace(v *hls.Variant) *hls.Place {
	m := g.latest
	if g.want.Edge != hls.EdgeNext || m == nil || !m.ServerControl.CanBlockReload {
		return nil
	}
	u, err := g.master.VideoURI(v).Resolve()
	if err != nil {
		return nil
	}

	for _, r := range m.RenditionReports {
		if other, err := r.URI.Resolve(); err == nil && withoutDirectives(other) == withoutDirectives(u) {
			end := m.EndOf(r)
			return &end
		}
	}
	return nil
}

func patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(maxPatience, time.Until(deadline)/2)
	}
	return maxPatience
}

// bound bounds the fetching of a playlist while there is an alternate.
func (g *grab) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if g.spare == 0 {
		return ctx, func() {}
	}
	limit := patience(ctx)
	return neterror.WithTimeout(ctx, limit)
}

// boundStart bounds the reading of segments up to the call of inTime. The context
// then lasts until the end of the grab, which may read on in the segment.
func (g *grab) boundStart(ctx context.Context) (_ context.Context, inTime func()) {
	if g.spare == 0 {
		return ctx, func() {}
	}
	limit := patience(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	g.cancels = append(g.cancels, func() { cancel(nil) })
	timer := time.AfterFunc(limit, func() { cancel(neterror.NotDone(limit)) })
	return ctx, func() { timer.Stop() }
}

// address returns the address of the media playlist that is being read.
func (s *Source) address() (*url.URL, error) {
	switch s.variant {
	case nil:
		return s.url, nil
	case s.chosen:
		return s.master.VideoURI(s.variant).Resolve()
	}
	return s.variant.URI.Resolve() // of I-frames or images
}
