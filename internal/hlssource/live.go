package hlssource

import (
	"context"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/keyframe"
)

// minReload is the shortest wait between two requests of a playlist, however short its
// segments are.
const minReload = 200 * time.Millisecond

// maxWait is how many target durations a grab waits for the first keyframe of a live
// playlist that lists none yet, or no segment. If the job ends earlier, it waits for
// as long as that leaves.
const maxWait = 6

// waitForFirst waits for a keyframe in segments that media does not list yet. If none
// comes, it returns err, the reason why media has none.
func (g *grab) waitForFirst(ctx context.Context, media *hls.Media, err error) (*keyframe.Frame, error) {
	g.log(ctx, "waiting for a keyframe", "because", err)
	limit := max(maxWait*media.TargetDuration, maxPatience)
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)*9/10) // the error is to be this one
	}
	waiting, cancel := neterror.WithTimeout(ctx, limit)
	g.cancels = append(g.cancels, cancel)

	g.beginIn(media)
	g.at = hls.Place{Sequence: media.End().Sequence, Part: -1}
	f, later := g.findFollowing(waiting)
	if later != nil && ctx.Err() == nil {
		return nil, err
	}
	return f, later
}

// waitForNext waits for a keyframe that is not listed yet: by blocking reload if the
// server offers it, else by asking again.
func (g *grab) waitForNext(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	from := media.End()
	if g.ahead != nil && g.variant == g.chosen {
		from = *g.ahead
	}
	g.ahead = nil

	changed, prods := time.Now(), 0
	for {
		if seg := media.StartingAfter(g.began, from); seg != nil {
			g.beginIn(media)
			g.at = hls.Place{Sequence: seg.Sequence, Part: seg.Place().Part - 1}
			return g.findFollowing(ctx)
		}
		if !media.Live {
			return nil, fmt.Errorf("%w: the stream ended", keyframe.ErrNotFound)
		}

		before := media.End()
		var err error
		if media, err = g.waitForPlaylist(ctx, media); err != nil {
			return nil, err
		}
		switch {
		case media.End().After(before):
			changed = time.Now()
		case prods < maxProds && time.Since(changed) > max(2*media.TargetDuration, minStill):
			g.prodServer(ctx, media)
			changed, prods = time.Now(), prods+1
		}
	}
}

const (
	// maxProds bounds the segments that are read for no more than their effect.
	maxProds = 3
	// minStill is how long a playlist stands still at least before that.
	minStill = 2 * time.Second
)

// prodServer begins to read the newest segment, to move on a playlist that stands
// still: go2rtc lists another segment only once one was fetched, and forgets a client
// that has fetched none for 5 s.
func (g *grab) prodServer(ctx context.Context, media *hls.Media) {
	seg, err := media.Newest()
	if err != nil {
		return
	}
	g.log(ctx, "the playlist stands still", "sequence", seg.Sequence)
	if r, err := g.open(ctx, seg, reach{}); err == nil {
		r.close()
	}
}

// waitForPlaylist returns the new version of the playlist media, after a wait.
func (g *grab) waitForPlaylist(ctx context.Context, media *hls.Media) (*hls.Media, error) {
	before := media.End()
	var err error
	if media.ServerControl.CanBlockReload {
		media, err = g.blockingReload(ctx, media)
	} else if err = pause(ctx, reloadInterval(media)); err == nil {
		media, err = g.choosePlaylist(ctx)
	}
	if err != nil {
		return nil, err
	}

	// A server that answers a blocking reload at once with nothing new would be
	// asked without pause.
	if !media.End().After(before) {
		err = pause(ctx, reloadInterval(media))
	}
	return media, err
}

// blockingReload requests the playlist with the next segment or part in it
// (draft-pantos-hls-rfc8216bis 6.2.5.2).
func (g *grab) blockingReload(ctx context.Context, media *hls.Media) (*hls.Media, error) {
	u, err := g.address()
	if err != nil {
		return nil, err
	}
	p, err := g.loadPlaylist(ctx, blockingURL(u, media.End(), media.PartTarget > 0))
	if err != nil {
		return nil, err
	}
	if p.Media == nil {
		return nil, fmt.Errorf("%w: the media playlist has become a master playlist", keyframe.ErrCorrupt)
	}
	return p.Media, nil
}

// reloadInterval is how long to wait before requesting the playlist again: half the
// duration of the next segment or part (RFC 8216 6.3.4).
func reloadInterval(m *hls.Media) time.Duration {
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
