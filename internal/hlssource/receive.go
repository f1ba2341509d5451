package hlssource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

const (
	// One request may take requestTargets target durations. A reader that is further
	// from the end cannot keep up (RFC 8216 6.3.3 has players stay three away from it).
	requestTargets = 3

	// The wait for something new may take stillTargets target durations: a server is
	// to add one segment in each.
	stillTargets = 6
)

// Receive reads a live stream from its newest segment on, each segment whole, or in
// low-latency HLS each part. It passes each picture to take in decoding order, as
// keyframe.Assembler.EveryPicture returns them. Picture times continue when the clock
// of a transport stream wraps. After a discontinuity, and if segments were lost or
// damaged, the next picture is AfterGap. No picture is passed twice.
//
// Receive always returns an error: context.Cause(ctx); one that wraps
// io.ErrUnexpectedEOF if the stream ends (EXT-X-ENDLIST), os.ErrDeadlineExceeded if
// the playlist stands still, or keyframe.ErrUnsupported if it is not live; or that of
// the third request in a row that fails. The client's budget is for each segment.
func (s *Source) Receive(ctx context.Context, take func(*keyframe.Frame)) error {
	r := &receiver{grab: s.newGrab(s.opts), take: take}
	r.everyPicture = true
	defer r.end()

	media, err := r.begin(ctx)
	if err != nil {
		return err
	}
	if !media.Live {
		return fmt.Errorf("%w: the stream is a recording, or has ended; only a live one can be received", keyframe.ErrUnsupported)
	}

	at, changed := media.NewestPlace(), time.Now()
	for {
		list, end := unreadSince(media, at, media.PartTarget > 0 && media.ServerControl.CanBlockReload)
		if end.After(at) || len(list) > 0 {
			changed = time.Now()
		}
		at = end
		for _, seg := range list {
			if err := r.readSegment(ctx, media, seg); err == nil {
				r.failures = 0
			} else if err = r.countFailure(ctx, err); err != nil {
				return err
			}
		}

		switch {
		case !media.Live:
			return fmt.Errorf("the stream ended: %w", io.ErrUnexpectedEOF)
		case time.Since(changed) > max(stillTargets*media.TargetDuration, maxPatience):
			return fmt.Errorf("the media playlist stands still: %w", os.ErrDeadlineExceeded)
		}
		next, err := r.reloadPlaylist(ctx, media)
		if err == nil {
			media = next
			continue
		}
		if err := r.countFailure(ctx, err); err != nil {
			return err
		}
		if err := pause(ctx, reloadInterval(media)); err != nil {
			return err
		}
	}
}

// receiver is the state of Receive from one segment to the next.
type receiver struct {
	*grab
	take     func(*keyframe.Frame)
	after    segmentReader // of the last segment
	gap      bool          // the next picture does not go on from the last one
	given    int           // pictures
	failures int           // in a row

	raw, pts time.Duration // of the last picture, as it came and as given
}

// begin returns the playlist to begin with, of an alternate if the variant chosen
// cannot be fetched.
func (r *receiver) begin(ctx context.Context) (*hls.Media, error) {
	r.client.StartJob()
	return failOver(ctx, r.grab, func(ctx context.Context) (*hls.Media, error) {
		ctx, cancel := neterror.WithTimeout(ctx, maxPatience)
		defer cancel()
		return r.choosePlaylist(ctx)
	})
}

// countFailure returns err if the stream cannot be received any further.
func (r *receiver) countFailure(ctx context.Context, err error) error {
	r.failures++
	r.log(ctx, "lost", "because", err)
	if r.failures == maxFailures || !mayHelp(ctx, err, anotherSegment) {
		return err
	}
	return nil
}

func (r *receiver) reloadPlaylist(ctx context.Context, media *hls.Media) (*hls.Media, error) {
	ctx, cancel := withinTargets(ctx, media)
	defer cancel()
	r.client.StartJob()
	return r.waitForPlaylist(ctx, media)
}

// readSegment gives all pictures of a segment. One that cannot be fetched at all is
// tried once more.
func (r *receiver) readSegment(ctx context.Context, media *hls.Media, seg unread) error {
	ctx, cancel := withinTargets(ctx, media)
	defer cancel()
	r.gap = r.gap || seg.afterGap
	before := r.given

	err := r.readPictures(ctx, seg.Segment)
	if r.given == before && mayHelp(ctx, err, sameSegment) {
		if err = pause(ctx, minReload); err == nil {
			err = r.readPictures(ctx, seg.Segment)
		}
	}
	r.gap = r.gap || err != nil
	return err
}

func withinTargets(ctx context.Context, media *hls.Media) (context.Context, context.CancelFunc) {
	limit := max(requestTargets*media.TargetDuration, maxPatience)
	return neterror.WithTimeout(ctx, limit)
}

func (r *receiver) readPictures(ctx context.Context, seg *hls.Segment) error {
	r.client.StartJob()
	to := reach{whole: true}
	if !r.gap {
		to.after = r.after
	}
	reading, err := r.open(ctx, seg, to)
	if err != nil {
		return err
	}
	defer reading.close()
	r.after = reading.segmentReader

	for {
		f, err := reading.Keyframe()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		f.OpenEnd = false // the segment came whole
		reading.date(f)
		r.give(f)
	}
}

func (r *receiver) give(f *keyframe.Frame) {
	if f.PTS != keyframe.NoPTS {
		if r.given == 0 {
			r.raw, r.pts = f.PTS, f.PTS
		}
		r.pts += ts.Since(f.PTS, r.raw)
		r.raw = f.PTS
		f.PTS = r.pts
	}
	f.AfterGap = f.AfterGap || r.gap
	r.gap = false
	r.given++
	r.take(f)
}

// maxStale is how many segments a playlist may seem to go back before the server is
// taken to have begun anew: caches of one service are not always of the same age.
const maxStale = 3

// unread is a segment, or a part of one, that a reader in order comes to next.
type unread struct {
	*hls.Segment
	afterGap bool // it does not go on from what was read before
}

// unreadSince lists the segments to read from the place at on, and returns the place
// where they end. With parts, it lists partial segments if the whole one is not there
// yet. Segments that are not listed any more, gaps and discontinuities leave a gap
// before the next one.
func unreadSince(m *hls.Media, at hls.Place, parts bool) (list []unread, end hls.Place) {
	if at.Sequence > m.End().Sequence+maxStale {
		list, end = unreadSince(m, m.NewestPlace(), parts)
		if len(list) > 0 {
			list[0].afterGap = true
		}
		return list, end
	}

	w := walk{at: at}
	for i := range m.Segments {
		seg := &m.Segments[i]
		if seg.Sequence < w.at.Sequence {
			continue
		}
		w.reachSegment(seg)
		switch {
		case w.at.Part == 0:
			w.add(seg, seg.Gap)
		case w.at.Part > len(seg.Parts): // which are not listed for long
			w.gap = true
		default:
			w.addParts(seg)
		}
		w.at = hls.Place{Sequence: seg.Sequence + 1}
	}
	if parts && m.Edge != nil && m.Edge.Sequence >= w.at.Sequence {
		w.reachSegment(m.Edge)
		w.addParts(m.Edge)
	}
	if w.gap && len(w.list) == 0 {
		w.at = at // the gap is noted with what comes next
	}
	return w.list, w.at
}

// walk goes along a playlist.
type walk struct {
	list []unread
	at   hls.Place
	gap  bool // the next segment does not continue the one before
}

// reachSegment goes to the beginning of seg, if at is before it.
func (w *walk) reachSegment(seg *hls.Segment) {
	if seg.Sequence > w.at.Sequence {
		w.at, w.gap = hls.Place{Sequence: seg.Sequence}, true
	}
	if seg.Discontinuity && w.at.Part == 0 {
		w.gap = true
	}
}

func (w *walk) add(seg *hls.Segment, missing bool) {
	if missing {
		w.gap = true
		return
	}
	w.list = append(w.list, unread{seg, w.gap})
	w.gap = false
}

// addParts adds those of seg from at on.
func (w *walk) addParts(seg *hls.Segment) {
	for ; w.at.Part < len(seg.Parts); w.at.Part++ {
		w.add(seg.PartSegment(w.at.Part), seg.Parts[w.at.Part].Gap)
	}
}
