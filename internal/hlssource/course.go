package hlssource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// Keyframes gives take the keyframe that Keyframe returns and those that follow it,
// until take returns false; then the error is nil. No byte is fetched twice, and what
// they take has one budget, that of the Client's job.
//
// What follows is what the playlist, or the index of an fMP4 segment, lists next: the
// next I-frame, tile, partial segment with a keyframe, or segment. A transport stream
// shows its keyframes only as it is read: those within a segment are passed over,
// where there is another segment. One that cannot be had is passed over as well, and
// three of them in a row are an error. Of a live stream what is not listed yet is
// waited for, as with EdgeNext. Behind the last one of another the error wraps
// keyframe.ErrNotFound; else it is that of Keyframe.
func (s *Source) Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error {
	s.course = &course{}
	defer func() {
		s.course.end()
		s.course = nil
	}()
	f, err := s.Keyframe(ctx)
	for err == nil && take(f) {
		f, err = s.following(ctx)
	}
	return err
}

// course is where Keyframes is in a stream.
type course struct {
	media   *hls.Media // as it was read last
	at      hls.Place  // that the last keyframe came from
	reading *reading   // in which there may be more; nil where there is not

	tile  *hls.Segment    // the last one; nil: it was a keyframe
	image *keyframe.Frame // that it is in

	cancels []context.CancelFunc // of contexts that live on
}

// begin is called where a keyframe is looked for in media. c may be nil.
func (c *course) begin(media *hls.Media) {
	if c != nil {
		c.media, c.tile, c.image = media, nil, nil
	}
}

// end lets go of what c holds.
func (c *course) end() {
	c.leave()
	for _, cancel := range c.cancels {
		cancel()
	}
}

// leave ends the reading of a segment.
func (c *course) leave() {
	if c.reading != nil {
		c.reading.close()
		c.reading = nil
	}
}

// lasting is patience with what Keyframes may read on in: once it was in time, the
// context stays.
func (s *Source) lasting(ctx context.Context) (_ context.Context, stop context.CancelFunc) {
	if s.course == nil || s.spare == 0 {
		return s.patience(ctx)
	}
	limit := patient(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	s.course.cancels = append(s.course.cancels, func() { cancel(nil) })
	timer := time.AfterFunc(limit, func() { cancel(neterror.NotDone(limit)) })
	return ctx, func() { timer.Stop() }
}

// done ends the reading of a segment whose keyframe, or err, came. Keyframes may go on
// with it.
func (s *Source) done(r *reading, err error) {
	if s.course == nil || err != nil {
		r.close()
		return
	}
	s.course.leave()
	s.course.reading, s.course.at = r, r.segment.Place()
}

// following returns the keyframe after the last one.
func (s *Source) following(ctx context.Context) (*keyframe.Frame, error) {
	c := s.course
	if f, err := s.within(ctx); f != nil || err != nil {
		return f, err
	}
	for failures, vain := 0, 0; ; {
		seg := c.media.NextAfter(c.at)
		if seg == nil && !c.media.Live {
			return s.rest()
		}
		c.leave()
		if seg == nil {
			media, err := s.nextPlaylist(ctx, c.media)
			if err != nil {
				return nil, err
			}
			c.renew(media)
			continue
		}
		c.at = seg.Place()
		f, err := s.begins(ctx, seg.WithTileAt(0))
		switch {
		case err == nil:
			return f, nil
		case !anotherMayDo(ctx, err):
			return nil, err
		case errors.Is(err, keyframe.ErrNotFound): // the GOP is longer than a segment
			vain++
		default:
			failures++
		}
		if failures == maxFailures || vain == maxBack {
			return nil, err
		}
		s.log(ctx, "passed over", "sequence", seg.Sequence, "because", err)
	}
}

// within returns the next keyframe of the segment that the last one came from, where
// its index tells, or its next tile; nil where there is none.
func (s *Source) within(ctx context.Context) (*keyframe.Frame, error) {
	c := s.course
	if c.tile != nil && c.tile.Tile < c.tile.LastTile() {
		seg := *c.tile
		seg.Tile++
		return s.begins(ctx, &seg)
	}
	if c.reading == nil {
		return nil, nil
	}
	m, ok := c.reading.container.(*fmp4.Movie)
	if !ok {
		return nil, nil
	}
	f, err := m.Next()
	switch {
	case err == nil:
		c.reading.date(f)
		return f, nil
	case !anotherMayDo(ctx, err):
		return nil, err
	case !c.reading.segment.IsPart:
		c.at.Part = math.MaxInt // its parts hold nothing else
	}
	c.leave()
	return nil, nil
}

// begins returns the keyframe that seg begins with, or the tile.
func (s *Source) begins(ctx context.Context, seg *hls.Segment) (f *keyframe.Frame, err error) {
	if seg.IsImage {
		f, err = s.picture(ctx, seg)
	} else {
		f, err = s.first(ctx, seg)
	}
	if err == nil {
		s.last = mark(seg)
	}
	return f, err
}

// rest returns what is behind the beginning of the last segment of a recording.
func (s *Source) rest() (*keyframe.Frame, error) {
	if r := s.course.reading; r != nil {
		if _, ok := r.container.(*ts.Reader); ok && !r.segment.IsIFrame {
			f, err := r.Keyframe()
			if err == nil {
				r.date(f)
				return f, nil
			}
			if !errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, fetch.ErrBudget) {
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("%w after the last one: the recording ends", keyframe.ErrNotFound)
}

// renew takes the playlist as it is now. Where the server has begun anew, its newest
// segment is next.
func (c *course) renew(media *hls.Media) {
	c.media = media
	if c.at.Sequence > media.End().Sequence+maxStale {
		c.at = media.NewestPlace()
		c.at.Part = -1
	}
}

// imageOnce is image, but what the last tile was in is not fetched again.
func (s *Source) imageOnce(ctx context.Context, seg *hls.Segment) (*keyframe.Frame, error) {
	c := s.course
	if c == nil {
		return s.image(ctx, seg)
	}
	if c.image == nil || !seg.SameAs(c.tile) {
		f, err := s.image(ctx, seg)
		if err != nil {
			return nil, err
		}
		c.image = f
	}
	c.tile, c.at = seg, seg.Place()
	f := *c.image
	f.Data = bytes.Clone(f.Data)
	return &f, nil
}
