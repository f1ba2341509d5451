package hlssource

import (
	"context"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Probed is what Source.Probe tells of one rendition.
type Probed struct {
	Variant *hls.Variant   // nil where there is no master playlist
	Codec   keyframe.Codec // UnknownCodec where there is no video that is read
	Info    keyframe.Info
	Tracks  []keyframe.Track
	Err     error // why it could not be looked into
}

// maxProbed bounds the renditions that are looked into; a ladder has some ten,
// and redundant ones double it.
const maxProbed = 50

// Probe looks into every variant of the master playlist, or into the one media
// playlist: into its initialisation section where that is of fMP4, else into the
// keyframe that Keyframe would take. Each variant has the client's byte budget to
// itself. The error is that of the playlist at the Source's URL, the context's
// cause, or where there is nothing else to tell, that of the only rendition.
func (s *Source) Probe(ctx context.Context) ([]Probed, error) {
	p, err := s.playlist(ctx, s.url)
	if err != nil {
		return nil, err
	}
	if p.Media != nil {
		only := s.probe(ctx, p.Media)
		if only.Err != nil && (len(only.Tracks) == 0 || ctx.Err() != nil) {
			return nil, only.Err
		}
		return []Probed{only}, nil
	}
	var list []Probed
	for i := range p.Master.Variants[:min(len(p.Master.Variants), maxProbed)] {
		v := &p.Master.Variants[i]
		s.client.StartJob()
		one := s.probeVariant(ctx, p.Master, v)
		if one.Err != nil && ctx.Err() != nil {
			return nil, one.Err
		}
		list = append(list, one)
	}
	return list, nil
}

func (s *Source) probeVariant(ctx context.Context, m *hls.Master, v *hls.Variant) (p Probed) {
	each := &Source{client: s.client, url: s.url, opts: s.opts, master: m, variant: v, selection: selection{chosen: v}}
	media, err := each.variantPlaylist(ctx)
	if err != nil {
		return Probed{Variant: v, Err: err}
	}
	p = each.probe(ctx, media)
	p.Variant = v
	return p
}

func (s *Source) probe(ctx context.Context, media *hls.Media) (p Probed) {
	defer func() { p.Tracks = s.tracks }()
	seg, err := media.PickSegment()
	if err != nil {
		return Probed{Err: err}
	}
	before, err := s.sectionOf(ctx, seg)
	if err != nil {
		return Probed{Err: err}
	}
	if before.movie != nil {
		video, err := before.movie.Video() // there is one, as sectionOf saw
		return Probed{Codec: video.Codec, Info: video.Info, Err: err}
	}
	f, err := s.grab(ctx, media, seg)
	if err != nil {
		return Probed{Err: err}
	}
	return Probed{Codec: f.Codec, Info: f.Info}
}
