package hls

import (
	"context"
	"slices"
)

// iframes returns the I-frame playlist (RFC 8216 4.3.4.3) to use in place of the
// variant v: the cheapest of those that serve the size asked for, and where none is
// asked for, one that has no smaller picture than v. nil where there is none.
func (m *Master) iframes(v *Variant, o PickOptions) *Variant {
	width, height := o.Width, o.Height
	if width <= 0 && height <= 0 {
		width, height = v.Width, v.Height
	}
	if width <= 0 && height <= 0 {
		return nil // nobody knows what would serve
	}
	var fit []*Variant
	for i := range m.IFrames {
		f := &m.IFrames[i]
		class := classify(f.Codecs)
		readable := class == videoReadable || class == videoUnknown
		if readable && f.Width > 0 && f.Width >= width && f.Height >= height &&
			f.VideoRange == v.VideoRange && f.PathwayID == v.PathwayID {
			fit = append(fit, f)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return slices.MinFunc(fit, byCost)
}

// iframePlaylist turns to the I-frame playlist that serves as well as the variant
// chosen, if there is one that can be had: each of its segments is the bytes of one
// keyframe.
func (s *Source) iframePlaylist(ctx context.Context) *Media {
	v := s.master.iframes(s.variant, s.opts.PickOptions)
	if v == nil || s.noIFrames {
		return nil
	}
	chosen := s.variant
	s.variant = v
	media, err := s.variantPlaylist(ctx)
	if err == nil && media.IFramesOnly && len(media.Segments) > 0 {
		s.log(ctx, "I-frame playlist", "choice", v.label(), "uri", v.URI.String())
		return media
	}
	s.log(ctx, "no use of the I-frame playlist", "uri", v.URI.String(), "because", err)
	s.variant, s.noIFrames = chosen, true
	return nil
}
