package hlssource

import (
	"context"
	"fmt"
	"math"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// maxFailures is how many requests in a row may fail before Keyframes and Receive
// do: at the live edge, caches often answer one or two with 404.
const maxFailures = 3

// Keyframes passes the keyframe that Keyframe returns and the following ones to take,
// until take returns false; then the error is nil. No byte is fetched twice, and all
// of them share one budget, that of the client's job.
//
// The following keyframe is the next one that the playlist, or the index of an fMP4
// segment, lists: the next I-frame, tile, partial segment with a keyframe, or segment.
// Only reading a transport stream finds its keyframes, so those within a segment are
// skipped if there is another segment. A segment that cannot be fetched is skipped as
// well, and three of them in a row are an error. On a live stream, Keyframes waits for
// segments that are not listed yet, as with EdgeNext. After the last keyframe of a
// recording the error wraps keyframe.ErrNotFound; else it is that of Keyframe.
func (s *Source) Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error {
	g := s.newGrab(s.opts)
	defer g.end()

	f, err := failOver(ctx, g, g.findInVariant)
	for err == nil && take(f) {
		f, err = g.findFollowing(ctx)
	}
	return err
}

// findFollowing returns the keyframe after the last one.
func (g *grab) findFollowing(ctx context.Context) (*keyframe.Frame, error) {
	if f, err := g.findWithin(ctx); f != nil || err != nil {
		return f, err
	}

	for failures, vain := 0, 0; ; {
		seg := g.media.NextAfter(g.at)
		if seg == nil && !g.media.Live {
			return g.findInRest(ctx)
		}
		g.leaveSegment()
		if seg == nil {
			media, err := g.waitForPlaylist(ctx, g.media)
			if err != nil {
				return nil, err
			}
			g.renew(media)
			continue
		}

		g.at = seg.Place()
		f, err := g.readFirst(ctx, seg.WithTileAt(0))
		switch {
		case err == nil:
			return f, nil
		case !mayHelp(ctx, err, anotherSegment):
			return nil, err
		case mayHelp(ctx, err, earlierSegment): // the GOP is longer than a segment
			vain++
		default:
			failures++
		}
		if failures == maxFailures || vain == maxBack {
			return nil, err
		}
		g.log(ctx, "skipped", "sequence", seg.Sequence, "because", err)
	}
}

// findWithin returns the next keyframe of the segment that the last one came from, if
// its index lists one, or its next tile; nil if there is none.
func (g *grab) findWithin(ctx context.Context) (*keyframe.Frame, error) {
	if g.tile != nil && g.tile.Tile < g.tile.LastTile() {
		seg := *g.tile
		seg.Tile++
		return g.readTile(ctx, &seg)
	}
	if g.reading == nil {
		return nil, nil
	}

	f, err := g.reading.readIndexed()
	switch {
	case err == nil && f != nil:
		g.reading.date(f)
		return f, nil
	case err == nil:
		return nil, nil
	case !mayHelp(ctx, err, anotherSegment):
		return nil, err
	case !g.reading.segment.IsPart:
		g.at.Part = math.MaxInt // its parts hold nothing else
	}
	g.leaveSegment()
	return nil, nil
}

// findInRest returns the next keyframe within the last segment of a recording.
func (g *grab) findInRest(ctx context.Context) (*keyframe.Frame, error) {
	if r := g.reading; r != nil && !r.segment.IsIFrame {
		f, err := r.readUnindexed()
		switch {
		case err == nil && f != nil:
			r.date(f)
			return f, nil
		case err != nil && !mayHelp(ctx, err, earlierSegment):
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w after the last one: the recording ends", keyframe.ErrNotFound)
}

// renew takes a new version of the playlist. If the server has begun anew, its newest
// segment is next.
func (g *grab) renew(media *hls.Media) {
	g.media = media
	if g.at.Sequence > media.End().Sequence+maxStale {
		g.at = media.NewestPlace()
		g.at.Part = -1
	}
}
