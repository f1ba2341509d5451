package hlssource

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// maxBack bounds the segments that are searched for a keyframe: a GOP of a minute in
// segments of 2 s.
const maxBack = 30

// findInPlaylist returns the wanted keyframe of media.
func (g *grab) findInPlaylist(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	if err := g.checkPlaylist(media); err != nil {
		return nil, err
	}
	if g.want.Edge == hls.EdgeNext && !media.ImagesOnly {
		return g.waitForNext(ctx, media)
	}
	ctx, inTime := g.boundStart(ctx)
	defer inTime()

	until, wanted, err := g.wantedTime(media)
	switch {
	case err != nil:
		return nil, err
	case media.ImagesOnly && !g.want.allowsTiles():
		return nil, ErrImagesOnly
	case wanted && media.ImagesOnly:
		seg, err := media.At(until)
		if err != nil {
			return nil, err
		}
		return g.findInSegment(ctx, media, seg.WithTileAt(until-seg.Start))
	case wanted:
		return g.findByTime(ctx, media, until)
	}
	return g.findNewest(ctx, media)
}

// findNewest returns the keyframe that media gives of its own accord. A live stream
// that has none yet may have one with the next versions of its playlist.
func (g *grab) findNewest(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	seg, err := media.PickSegment()
	if err == nil {
		var f *keyframe.Frame
		if f, err = g.findInSegment(ctx, media, seg); err == nil {
			return f, nil
		}
	}
	instead := g.variant != nil && g.variant != g.chosen // of the variant: that is next
	if instead || !media.Live || !mayHelp(ctx, err, laterSegment) {
		return nil, err
	}
	return g.waitForFirst(ctx, media, err)
}

// findInSegment returns the wanted keyframe of seg, or of the nearest segment that has
// one: on a live stream before it, else after it.
func (g *grab) findInSegment(ctx context.Context, media *hls.Media, seg *hls.Segment) (*keyframe.Frame, error) {
	g.beginIn(media)
	g.log(ctx, "segment", "sequence", seg.Sequence, "uri", seg.URI.String(), "live", media.Live)
	f, first := g.readNewer(ctx, seg)
	if first == nil || !mayHelp(ctx, first, anotherSegment) {
		return f, first
	}

	fault := first
	for range maxBack {
		if seg = media.Neighbour(seg); seg == nil {
			break
		}
		g.log(ctx, "another segment", "sequence", seg.Sequence, "because", fault)
		f, err := g.readNewer(ctx, seg)
		if err == nil || ctx.Err() != nil || errors.Is(err, keyframe.ErrNotModified) {
			return f, err
		}
		// What an alternate has at the edge is newer than what lies farther back.
		alternate := g.spare > 0 && mayHelp(ctx, err, anotherAddress)
		if fault = err; alternate || !mayHelp(ctx, err, fartherSegment) {
			break
		}
	}
	if fault != first {
		g.kept = nil // the fault may be in the playlist that is kept
	}
	return nil, first
}

// beginIn notes the playlist in which a keyframe is looked for.
func (g *grab) beginIn(media *hls.Media) {
	g.media, g.tile, g.image = media, nil, nil
}

// readNewer returns the wanted keyframe of seg, unless the last one came from there and
// Options.IfNewer asks for another.
func (g *grab) readNewer(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	if g.want.IfNewer && g.last != nil && seg.SameAs(g.last) && seg.Tile == g.last.Tile {
		return nil, fmt.Errorf("%w than that of segment %d", keyframe.ErrNotModified, seg.Sequence)
	}

	read := g.readFirst
	if g.want.Edge == hls.EdgeLast && !seg.IsPart && !seg.IsIFrame && !seg.IsImage {
		read = g.readLast
	}
	return read(ctx, seg)
}

// findByTime returns the last keyframe up to a time from the beginning of media, or the
// first one after it.
func (g *grab) findByTime(ctx context.Context, media *hls.Media, until time.Duration) (*keyframe.Frame, error) {
	g.beginIn(media)
	asked, err := media.At(until)
	if err != nil {
		return nil, err
	}

	var late *keyframe.Frame // the first one after the time
	var fault error
	seg := asked
	for range maxBack {
		g.log(ctx, "segment", "sequence", seg.Sequence, "uri", seg.URI.String(), "start", seg.Start)
		f, early, err := g.readUpTo(ctx, seg, until-seg.Start)
		switch {
		case err == nil && early:
			return f, nil
		case err == nil:
			late = f
		case !mayHelp(ctx, err, anotherSegment):
			return nil, err
		case seg.IsIFrame && mayHelp(ctx, err, wholeSegment):
			return nil, err
		case fault != nil && !mayHelp(ctx, err, earlierSegment):
			return nil, fault
		case fault == nil:
			fault = err
		}
		if seg, err = media.Before(seg.Sequence); err != nil {
			break
		}
	}
	if late != nil {
		return late, nil
	}

	if next := media.NextAfter(hls.Place{Sequence: asked.Sequence, Part: math.MaxInt}); next != nil && ctx.Err() == nil {
		if f, err := g.readFirst(ctx, next); err == nil {
			return f, nil
		}
	}
	return nil, fault
}

// readFirst returns the keyframe that seg begins with, or its tile, and keeps the
// segment open.
func (g *grab) readFirst(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	if seg.IsImage {
		return g.readTile(ctx, seg)
	}
	r, err := g.open(ctx, seg, reach{})
	if err != nil {
		return nil, err
	}
	f, err := r.readFirst()
	return g.hold(r, f, err)
}

// readUpTo returns the last keyframe of seg that is at most until after its
// beginning: then it is early. If there is none, it returns the first one.
func (g *grab) readUpTo(ctx context.Context, seg *hls.Segment, until time.Duration) (f *keyframe.Frame, early bool, err error) {
	r, err := g.open(ctx, seg, reach{})
	if err != nil {
		return nil, false, err
	}
	f, err = r.readUpTo(until)
	if err == nil {
		r.date(f)
		early = r.offset(f) <= until
	}
	f, err = g.hold(r, f, err)
	return f, early, err
}

// readLast returns the last keyframe of seg.
func (g *grab) readLast(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	r, err := g.open(ctx, seg, reach{})
	if err != nil {
		return nil, err
	}
	defer r.close()

	f, err := r.readLast()
	if err != nil {
		return nil, err
	}
	r.date(f)
	g.leaveSegment()
	g.at = hls.Place{Sequence: seg.Sequence, Part: math.MaxInt}
	g.remember(seg)
	return f, nil
}

// hold keeps r, which f came from, for the keyframes that follow. If err came, it
// closes r.
func (g *grab) hold(r *reading, f *keyframe.Frame, err error) (*keyframe.Frame, error) {
	if err != nil {
		r.close()
		return nil, err
	}
	g.leaveSegment()
	g.reading, g.at = r, r.segment.Place()
	g.remember(r.segment)
	return f, nil
}

// leaveSegment closes the segment that is held, if any.
func (g *grab) leaveSegment() {
	if g.reading != nil {
		g.reading.close()
		g.reading = nil
	}
}

// remember notes the segment of the last keyframe, as far as SameAs needs it.
func (g *grab) remember(seg *hls.Segment) {
	g.last = &hls.Segment{Sequence: seg.Sequence, URI: seg.URI, ByteRange: seg.ByteRange, Tile: seg.Tile}
}
