package hls

import (
	"context"
	"errors"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// iframes returns the I-frame playlist (RFC 8216 4.3.4.3) to use in place of the
// variant v: the cheapest of those that serve the size asked for, and where none is
// asked for, one that has no smaller picture than v. nil where there is none.
func (m *Master) iframes(v *Variant, o PickOptions) *Variant {
	width, height := o.Width, o.Height
	if width <= 0 && height <= 0 || o.Rendition.kind != selectNone {
		width, height = v.Width, v.Height
	}
	if width <= 0 && height <= 0 || m.video(v) != v.URI {
		return nil // nobody knows what would serve, or which camera it is of
	}
	fit := func(f *Variant) bool {
		if o.Rendition.exact() && (f.Width != width || f.Height != height) {
			return false
		}
		return f.Width > 0 && f.Width >= width && f.Height >= height && o.affords(f) && f.readable(o.Codec) &&
			f.VideoRange == v.VideoRange && f.PathwayID == v.PathwayID
	}
	var list []*Variant
	for i := range m.IFrames {
		if f := &m.IFrames[i]; fit(f) {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return slices.MinFunc(list, byCost)
}

// readable says whether v may have video that is read, of codec c if that is known.
func (v *Variant) readable(c keyframe.Codec) bool {
	switch classify(v.Codecs) {
	case videoReadable:
		return c == keyframe.UnknownCodec || hasCodec(v.Codecs, c)
	case videoUnknown:
		return true
	}
	return false
}

// iframePlaylist turns to the I-frame playlist that serves as well as the variant
// chosen, if there is one that can be had: each of its segments is the bytes of one
// keyframe.
func (s *Source) iframePlaylist(ctx context.Context) *Media {
	v := s.master.iframes(s.variant, s.opts.PickOptions)
	if v == nil || s.noIFrames || s.follow != nil {
		return nil
	}
	media := s.instead(ctx, v, "I-frame playlist", func(m *Media) bool { return m.IFramesOnly && len(m.Segments) > 0 })
	s.noIFrames = media == nil
	return media
}

// instead makes v the variant to be read, where its playlist can be had and is good.
func (s *Source) instead(ctx context.Context, v *Variant, what string, good func(*Media) bool) *Media {
	chosen := s.variant
	s.variant = v
	media, err := s.variantPlaylist(ctx)
	if err == nil && good(media) {
		s.log(ctx, what, "choice", v.label(), "uri", v.URI.String())
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
	images := s.master.isImages(s.variant)
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
