package hls

import (
	"context"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Probed is what Source.Probe tells of one rendition.
type Probed struct {
	Variant *Variant       // nil where there is no master playlist
	Codec   keyframe.Codec // UnknownCodec where there is no video that is read
	Info    keyframe.Info
	Tracks  []keyframe.Track
	Err     error // why it could not be looked into
}

// maxProbed bounds the renditions that are looked into; a ladder has some ten,
// and redundant ones double it.
const maxProbed = 50

// Probe looks into every variant of the master playlist, or into the one media
// playlist: into its initialisation section where it has one, else into its
// newest keyframe.
func (s *Source) Probe(ctx context.Context) ([]Probed, error) {
	p, err := s.playlist(ctx, s.url)
	if err != nil {
		return nil, err
	}
	if p.Media != nil {
		one := s.probe(ctx, p.Media)
		return []Probed{one}, one.Err
	}
	var list []Probed
	for i := range p.Master.Variants[:min(len(p.Master.Variants), maxProbed)] {
		v := &p.Master.Variants[i]
		each := &Source{client: s.client, url: s.url, opts: s.opts, master: p.Master, variant: v}
		s.client.StartJob()
		var one Probed
		if media, err := each.variantPlaylist(ctx); err != nil {
			one.Err = err
		} else {
			one = each.probe(ctx, media)
		}
		if ctx.Err() != nil {
			return nil, one.Err
		}
		one.Variant = v
		list = append(list, one)
	}
	return list, nil
}

func (s *Source) probe(ctx context.Context, media *Media) (p Probed) {
	seg, err := media.Newest()
	if err != nil {
		return Probed{Err: err}
	}
	defer func() { p.Tracks = s.tracks }()
	if seg.Map == nil {
		f, err := s.first(ctx, seg)
		if err != nil {
			return Probed{Err: err}
		}
		return Probed{Codec: f.Codec, Info: f.Info}
	}
	if err := s.loadInit(ctx, seg.Map); err != nil {
		return Probed{Err: err}
	}
	s.tracks = s.init.List()
	video, err := s.init.Video()
	if err != nil {
		return Probed{Err: err}
	}
	return Probed{Codec: video.Codec, Info: video.Info}
}
