package hlssource

import (
	"context"
	"fmt"
	"slices"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// choosePlaylist fetches the media playlist to read, through the master playlist
// the first time and whenever the rendition chosen then has gone.
func (g *grab) choosePlaylist(ctx context.Context) (*hls.Media, error) {
	media, err := g.loadChosen(ctx)
	if err != nil {
		return nil, err
	}

	if media.MediaSequence < g.sequence {
		// The server has begun anew, maybe with other pictures under the same names.
		g.forgetRendition()
	}
	g.sequence = media.MediaSequence
	return media, nil
}

func (g *grab) loadChosen(ctx context.Context) (*hls.Media, error) {
	if !g.variantServes() {
		g.variant = nil
		g.forgetRendition()
	}
	if g.variant != nil {
		media, err := g.loadVariant(ctx)
		if g.fresh || !mayHelp(ctx, err, masterPlaylist) {
			return media, err
		}
		g.log(ctx, "the rendition has gone", "because", err)
		g.forgetLadder()
		g.ahead = nil
	}

	if g.chosen == nil {
		if media, err := g.chooseVariant(ctx); media != nil || err != nil {
			return media, err
		}
	}
	for range maxNested {
		g.variant = g.chosen
		if media := g.loadImages(ctx); media != nil {
			return media, nil
		}
		if media := g.loadIFrames(ctx); media != nil {
			return media, nil
		}
		p, err := g.loadVariantPlaylist(ctx)
		if err != nil {
			return nil, err
		}
		if p.Media != nil {
			return p.Media, nil
		}
		if err := g.descend(ctx, p.Master); err != nil {
			return nil, err
		}
	}
	return nil, errNested
}

// variantServes reports whether this call can read on in the playlist that the last
// one read: one that wants every picture cannot in I-frames or images.
func (g *grab) variantServes() bool {
	switch {
	case g.variant == nil || g.variant == g.chosen:
		return true
	case g.master.IsImages(g.variant):
		return !g.everyPicture && g.want.allowsTiles()
	}
	return !g.everyPicture
}

// maxNested bounds the master playlists on the way to a media playlist. RFC 8216
// allows one; session redirectors and proxies put one or two in front.
const maxNested = 4

var errNested = fmt.Errorf("%w: the master playlist leads to another master playlist, again and again", keyframe.ErrCorrupt)

// chooseVariant chooses from the master playlist at the stream's address. If there
// is a media playlist, it returns that.
func (g *grab) chooseVariant(ctx context.Context) (*hls.Media, error) {
	p, err := g.loadPlaylist(ctx, g.url)
	if err != nil {
		return nil, err
	}
	if p.Media != nil {
		return p.Media, nil
	}

	g.outer = nil
	return nil, g.chooseFrom(ctx, p.Master)
}

// descend chooses from a master playlist that the chosen variant leads to. The other
// variants of the outer one remain as candidates.
func (g *grab) descend(ctx context.Context, inner *hls.Master) error {
	g.log(ctx, "a master playlist in a master playlist", "uri", g.variant.URI.String())
	g.outer = append(slices.Clip(g.outer), g.master.Without(g.chosen))
	g.variant = nil
	return g.chooseFrom(ctx, inner)
}

// chooseFrom chooses from a master playlist. If CODECS rules out all its variants,
// they are tried nevertheless, unless a codec was asked for: CODECS may be wrong.
func (g *grab) chooseFrom(ctx context.Context, master *hls.Master) error {
	choice, err := master.Pick(g.want.PickOptions)
	if err != nil && g.want.Codec != keyframe.UnknownCodec {
		return err
	}
	if err != nil {
		disbelieved := master.WithoutCodecs()
		second, again := disbelieved.Pick(g.want.PickOptions)
		if again != nil {
			return err
		}
		g.log(ctx, "a rendition against its CODECS", "because", err)
		g.stated, g.candidates = err, maxDisbelieved-1
		master, choice = disbelieved, second
	}
	g.fresh = true
	g.takeChoice(ctx, master, choice)
	return nil
}

// takeChoice makes the choice from a master playlist the one to read.
func (g *grab) takeChoice(ctx context.Context, master *hls.Master, choice hls.Choice) {
	g.log(ctx, "rendition", "choice", choice.Reason, "uri", master.VideoURI(choice.Variant).String())
	g.master, g.picked, g.chosen = master, choice.Variant, choice.Variant
	g.alternates = slices.Clip(choice.Alternates[:min(len(choice.Alternates), maxAlternates)])
	g.spare = len(g.alternates)
}

// loadVariant fetches the media playlist of the variant being read.
func (g *grab) loadVariant(ctx context.Context) (*hls.Media, error) {
	p, err := g.loadVariantPlaylist(ctx)
	if err == nil && p.Media == nil {
		return nil, errNested
	}
	if err != nil {
		return nil, err
	}
	return p.Media, nil
}

// loadVariantPlaylist fetches the playlist of the variant being read.
func (g *grab) loadVariantPlaylist(ctx context.Context) (*hls.Playlist, error) {
	u, err := g.address()
	if err != nil {
		return nil, err
	}
	if g.ahead != nil && g.variant == g.chosen {
		u = blockingURL(u, *g.ahead, g.ahead.Part > 0)
	}
	ctx, cancel := g.bound(ctx)
	defer cancel()

	return g.loadPlaylist(ctx, u)
}

// loadIFrames turns to the I-frame playlist that serves as well as the variant
// chosen, if there is one: each of its segments is the bytes of one keyframe.
func (g *grab) loadIFrames(ctx context.Context) *hls.Media {
	v := g.master.PickIFrames(g.variant, g.want.PickOptions)
	if v == nil || g.noIFrames || g.everyPicture {
		return nil
	}
	media := g.loadInstead(ctx, v, "I-frame playlist", func(m *hls.Media) bool { return m.IFramesOnly && len(m.Segments) > 0 })
	g.noIFrames = media == nil
	return media
}

// loadImages turns to the image playlist whose tiles serve, if there is one.
func (g *grab) loadImages(ctx context.Context) *hls.Media {
	if g.noTiles || g.everyPicture || !g.want.allowsTiles() {
		return nil
	}
	v := g.master.PickImages(g.variant, g.want.PickOptions)
	if v == nil {
		return nil
	}
	rendition := g.variant
	media := g.loadInstead(ctx, v, "image playlist", func(m *hls.Media) bool {
		return m.ImagesOnly && len(m.Segments) > 0 && v.CheaperThanKeyframe(rendition, m.Segments[0].Duration)
	})
	g.noTiles = media == nil
	return media
}

// loadInstead makes v the variant to read, if its playlist can be fetched and is
// good.
func (g *grab) loadInstead(ctx context.Context, v *hls.Variant, what string, good func(*hls.Media) bool) *hls.Media {
	chosen := g.variant
	g.variant = v
	media, err := g.loadVariant(ctx)
	if err == nil && good(media) {
		g.log(ctx, what, "choice", v.String(), "uri", v.URI.String())
		return media
	}

	g.log(ctx, "no use of the "+what, "uri", v.URI.String(), "because", err)
	g.variant = chosen
	return nil
}

// setAside gives up the I-frame or image playlist being read, and reports whether
// the variant itself is to be read after err.
func (g *grab) setAside(ctx context.Context, err error) bool {
	if g.variant == nil || g.variant == g.chosen {
		return false
	}
	try, given := variantItself, &g.noIFrames
	if g.master.IsImages(g.variant) {
		try, given = insteadOfImages, &g.noTiles
	}
	if !mayHelp(ctx, err, try) {
		return false
	}

	*given = true
	g.log(ctx, "no use of I-frame or image playlist", "uri", g.variant.URI.String(), "because", err)
	g.variant, g.ahead = nil, nil
	g.forgetRendition()
	return true
}
