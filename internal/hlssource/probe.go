package hlssource

import (
	"context"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Probed is the result of Source.Probe for one rendition.
type Probed struct {
	Variant *hls.Variant   // nil if there is no master playlist
	Codec   keyframe.Codec // UnknownCodec if there is no video that is read
	Info    keyframe.Info
	Tracks  []keyframe.Track
	Err     error // why it could not be probed
}

// maxProbed bounds the renditions that are probed; a ladder has some ten, and
// redundant ones double it.
const maxProbed = 50

// Probe looks at every variant of the master playlist, or at the one media playlist:
// at its initialisation section if that is of fMP4, else at the keyframe that
// Keyframe would take. Each variant has the client's byte budget to itself. The error
// is that of the playlist at the Source's URL, the context's cause, or if there is
// nothing else to report, that of the only rendition.
func (s *Source) Probe(ctx context.Context) ([]Probed, error) {
	p, err := s.loadPlaylist(ctx, s.url)
	if err != nil {
		return nil, err
	}
	if p.Media != nil {
		only := s.probeMedia(ctx, p.Media)
		if only.Err != nil && (len(only.Tracks) == 0 || ctx.Err() != nil || failureOf(ctx, only.Err) == refusedOption) {
			return nil, only.Err
		}
		return []Probed{only}, nil
	}

	var list []Probed
	for i := range p.Master.Variants[:min(len(p.Master.Variants), maxProbed)] {
		v := &p.Master.Variants[i]
		s.client.StartJob()
		one := s.probeVariant(ctx, p.Master, v)
		if one.Err != nil && (ctx.Err() != nil || failureOf(ctx, one.Err) == refusedOption) {
			return nil, one.Err
		}
		list = append(list, one)
	}
	return list, nil
}

func (s *Source) probeVariant(ctx context.Context, m *hls.Master, v *hls.Variant) Probed {
	alone := New(s.client, s.url, &s.opts)
	alone.master, alone.picked, alone.chosen = m, v, v
	alone.noIFrames, alone.noTiles = true, true

	media, err := alone.newGrab(s.opts).loadChosen(ctx)
	if err != nil {
		return Probed{Variant: v, Err: err}
	}
	p := alone.probeMedia(ctx, media)
	p.Variant = v
	return p
}

func (s *Source) probeMedia(ctx context.Context, media *hls.Media) Probed {
	seg, err := media.PickSegment()
	if err != nil {
		return Probed{Tracks: s.tracks, Err: err}
	}
	before, err := s.sectionOf(ctx, seg)
	if err != nil {
		return Probed{Tracks: s.tracks, Err: err}
	}
	if before.movie != nil {
		video, err := before.movie.Video() // there is one: sectionOf found it
		return Probed{Codec: video.Codec, Info: video.Info, Tracks: s.tracks, Err: err}
	}

	g := s.newGrab(s.opts)
	f, err := g.findInSegment(ctx, media, seg)
	g.end() // from here on the tracks are known
	if err != nil {
		return Probed{Tracks: s.tracks, Err: err}
	}
	return Probed{Codec: f.Codec, Info: f.Info, Tracks: s.tracks}
}
