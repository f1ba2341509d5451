package hlssource

import (
	"context"
	"errors"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// iframePlaylist turns to the I-frame playlist that serves as well as the variant
// chosen, if there is one that can be had: each of its segments is the bytes of one
// keyframe.
func (s *Source) iframePlaylist(ctx context.Context) *hls.Media {
	v := s.master.PickIFrames(s.variant, s.opts.PickOptions)
	if v == nil || s.noIFrames || s.follow != nil {
		return nil
	}
	media := s.instead(ctx, v, "I-frame playlist", func(m *hls.Media) bool { return m.IFramesOnly && len(m.Segments) > 0 })
	s.noIFrames = media == nil
	return media
}

// instead makes v the variant to be read, where its playlist can be had and is good.
func (s *Source) instead(ctx context.Context, v *hls.Variant, what string, good func(*hls.Media) bool) *hls.Media {
	chosen := s.variant
	s.variant = v
	media, err := s.variantPlaylist(ctx)
	if err == nil && good(media) {
		s.log(ctx, what, "choice", v.String(), "uri", v.URI.String())
		return media
	}
	s.log(ctx, "no use of the "+what, "uri", v.URI.String(), "because", err)
	s.variant = chosen
	return nil
}

// setAside gives up the I-frame or image playlist being read, and says whether the
// variant itself is to be read after err.
func (s *Source) setAside(ctx context.Context, err error) bool {
	if s.variant == nil || s.variant == s.chosen {
		return false
	}
	images := s.master.IsImages(s.variant)
	if !anotherMayDo(ctx, err) && (!images || !errors.Is(err, keyframe.ErrUnsupported) || ctx.Err() != nil) {
		return false
	}
	if images {
		s.noTiles = true
	} else {
		s.noIFrames = true
	}
	s.log(ctx, "no use of I-frame or image playlist", "uri", s.variant.URI.String(), "because", err)
	s.variant, s.learnt = nil, learnt{}
	return true
}
