package hlssource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

const (
	// maxFailures is how many requests in a row may fail before Follow does: one
	// that a cache answers with 404, and again, are common at the live edge.
	maxFailures = 3

	// patienceOf and stuckOf are what one request, and the wait for something new,
	// may take, in target durations: who falls behind further than the first does not
	// follow any more (RFC 8216 6.3.3 has players keep three behind), and a server
	// is to add one segment in each.
	patienceOf = 3
	stuckOf    = 6
)

// Follow reads a live stream from its newest segment on, each segment whole, or in
// low-latency HLS each part, and gives take each picture in decoding order, as
// keyframe.Assembler.EveryPicture has them. Picture times go on where the clock of
// a transport stream wraps. Behind a discontinuity, and where segments were lost or
// damaged, the next picture is AfterGap. Nothing is given twice.
//
// Follow always returns an error: context.Cause(ctx), one that wraps
// io.ErrUnexpectedEOF where the stream ends (EXT-X-ENDLIST), os.ErrDeadlineExceeded
// where the playlist stands still, keyframe.ErrUnsupported where it is not live, or
// that of the third request in a row that fails. The budget of the Client is for
// each segment.
func (s *Source) Follow(ctx context.Context, take func(*keyframe.Frame)) error {
	s.follow = &follower{take: take}
	defer func() { s.follow = nil }()
	media, err := s.followed(ctx)
	if err != nil {
		return err
	}
	if !media.Live {
		return fmt.Errorf("%w: the stream is a recording, or has ended; only a live one can be followed", keyframe.ErrUnsupported)
	}
	at, changed, failures := media.NewestPlace(), time.Now(), 0
	for {
		list, end := unreadSince(media, at, media.PartTarget > 0 && media.ServerControl.CanBlockReload)
		if end.After(at) || len(list) > 0 {
			changed = time.Now()
		}
		for _, seg := range list {
			if err = s.readWithin(ctx, media, seg); err == nil {
				failures = 0
			} else if failures++; failures == maxFailures || !s.goesOn(ctx, err) {
				return err
			}
		}
		at = end
		switch {
		case !media.Live:
			return fmt.Errorf("the stream ended: %w", io.ErrUnexpectedEOF)
		case time.Since(changed) > max(stuckOf*media.TargetDuration, maxPatience):
			return fmt.Errorf("the media playlist stands still: %w", os.ErrDeadlineExceeded)
		}
		next, err := s.reloadWithin(ctx, media)
		if err == nil {
			media = next
			continue
		}
		if failures++; failures == maxFailures || !s.goesOn(ctx, err) {
			return err
		}
		if err := pause(ctx, reloadAfter(media)); err != nil {
			return err
		}
	}
}

// followed returns the playlist to begin with, of an alternate where the one
// chosen cannot be had.
func (s *Source) followed(ctx context.Context) (media *hls.Media, err error) {
	s.client.StartJob()
	_, err = s.withAlternates(ctx, func(ctx context.Context) (_ *keyframe.Frame, err error) {
		ctx, cancel := neterror.WithTimeout(ctx, maxPatience)
		defer cancel()
		media, err = s.mediaPlaylist(ctx)
		return nil, err
	})
	return media, err
}

// goesOn says whether the stream may be followed on after err.
func (s *Source) goesOn(ctx context.Context, err error) bool {
	s.log(ctx, "lost on the way", "because", err)
	return anotherMayDo(ctx, err)
}

func (s *Source) reloadWithin(ctx context.Context, media *hls.Media) (*hls.Media, error) {
	ctx, cancel := within(ctx, media)
	defer cancel()
	s.client.StartJob()
	return s.nextPlaylist(ctx, media)
}

// readWithin reads a segment. One that cannot be had at all is tried once more.
func (s *Source) readWithin(ctx context.Context, media *hls.Media, seg unread) error {
	ctx, cancel := within(ctx, media)
	defer cancel()
	s.follow.gap = s.follow.gap || seg.afterGap
	before := s.follow.given
	err := s.readAll(ctx, seg.Segment)
	var transfer *fetch.Error
	var status *fetch.StatusError
	if s.follow.given == before && (errors.As(err, &transfer) || errors.As(err, &status)) && anotherMayDo(ctx, err) {
		if err = pause(ctx, minReload); err == nil {
			err = s.readAll(ctx, seg.Segment)
		}
	}
	s.follow.gap = s.follow.gap || err != nil
	return err
}

func within(ctx context.Context, media *hls.Media) (context.Context, context.CancelFunc) {
	limit := max(patienceOf*media.TargetDuration, maxPatience)
	return neterror.WithTimeout(ctx, limit)
}

// readAll gives all pictures of a segment.
func (s *Source) readAll(ctx context.Context, seg *hls.Segment) error {
	s.client.StartJob()
	r, err := s.open(ctx, seg)
	if err != nil {
		return err
	}
	defer r.close()
	for {
		f, err := r.container.Picture()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		f.OpenEnd = false // the segment came whole
		r.date(f)
		s.follow.give(f)
	}
}

// follower is what Follow keeps from one segment to the next. A nil one is for a
// single segment.
type follower struct {
	take      func(*keyframe.Frame)
	container container // of the last segment
	gap       bool      // the next picture does not go on from the last one
	given     int       // pictures

	raw, pts time.Duration // of the last picture, as it came and as given
}

func (w *follower) give(f *keyframe.Frame) {
	if f.PTS != keyframe.NoPTS {
		if w.given == 0 {
			w.raw, w.pts = f.PTS, f.PTS
		}
		w.pts, w.raw = w.pts+ts.Since(f.PTS, w.raw), f.PTS
		f.PTS = w.pts
	}
	f.AfterGap = f.AfterGap || w.gap
	w.gap = false
	w.given++
	w.take(f)
}

// movie returns a reader of an fMP4 segment, that of the last one where it goes on.
func (w *follower) movie(r content, before *section) *fmp4.Movie {
	if w == nil {
		return fmp4.NewMovie(r, r.Size(), before.movie)
	}
	m, ok := w.container.(*fmp4.Movie)
	if ok && !w.gap {
		m.Continue(r, r.Size(), before.movie)
		return m
	}
	m = fmp4.NewMovie(r, r.Size(), before.movie)
	w.container = m
	return m
}

// reader is movie for a transport stream. Where samples are encrypted, each segment
// has a key of its own.
func (w *follower) reader(r io.Reader, o *ts.Options) *ts.Reader {
	if w == nil {
		return ts.NewReader(r, o)
	}
	t, ok := w.container.(*ts.Reader)
	if ok && !w.gap && o.SampleAES == nil {
		t.Continue(r)
		return t
	}
	t = ts.NewReader(r, o)
	w.container = t
	return t
}
