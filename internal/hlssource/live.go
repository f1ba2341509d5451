package hlssource

import (
	"context"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// minReload is the shortest wait between two requests of a playlist, however short its
// segments are.
const minReload = 200 * time.Millisecond

// waitForNext waits for a keyframe that is not listed yet: by blocking reload if the
// server offers it, else by asking again.
func (g *grab) waitForNext(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	from := media.End()
	if g.ahead != nil && g.variant == g.chosen {
		from = *g.ahead
	}
	g.ahead = nil

	for {
		if seg := media.StartingAfter(g.began, from); seg != nil {
			return g.findInSegment(ctx, media, seg)
		}
		if !media.Live {
			return nil, fmt.Errorf("%w: the stream ended", keyframe.ErrNotFound)
		}
		var err error
		if media, err = g.waitForPlaylist(ctx, media); err != nil {
			return nil, err
		}
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
