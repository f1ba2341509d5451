package kfgrab

import (
	"context"
	"strconv"

	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/rtsp"
)

// Rendition is what probing tells of one rendition of a stream, most streams
// having one.
type Rendition struct {
	Index     int
	Bandwidth int    // bit/s as the master playlist declares it; 0 where there is none
	URI       string // of its media playlist, redacted

	Codec  keyframe.Codec // UnknownCodec where there is no video that is read
	Info   keyframe.Info  // zero where the stream did not tell
	Tracks []keyframe.Track
	Err    error // why this rendition could not be looked into
}

// Attributes returns what a master playlist says of the rendition, in ffprobe's
// names of tags.
func (r *Rendition) Attributes() map[string]string {
	if r.Bandwidth == 0 {
		return nil
	}
	return map[string]string{"variant_bitrate": strconv.Itoa(r.Bandwidth), "uri": r.URI}
}

// Rendition tells which rendition of a master playlist the last grab was from, by Index,
// Bandwidth and URI; ok is false where there is none to choose.
func (s *Stream) Rendition() (r Rendition, ok bool) {
	web, ok := s.source.(*webSource)
	if !ok {
		return r, false
	}
	lists, ok := web.inner.(*hlssource.Source)
	if !ok || lists.Chosen() == nil {
		return r, false
	}
	v := lists.Chosen()
	return Rendition{Index: v.Index, Bandwidth: v.Bandwidth, URI: v.URI.String()}, true
}

// prober is a source that can tell of itself for less than a keyframe.
type prober interface {
	probe(ctx context.Context) ([]Rendition, error)
}

// Probe tells what the stream holds, for no more than one keyframe a rendition.
func (s *Stream) Probe(ctx context.Context) ([]Rendition, error) {
	var list []Rendition
	var err error
	switch source := s.source.(type) {
	case prober:
		list, err = source.probe(ctx)
	case *rtsp.Source:
		list, err = probeRTSP(ctx, source)
	default:
		list, err = probeKeyframe(ctx, source)
	}
	if err != nil {
		return nil, s.named(err)
	}
	return list, nil
}

// probeKeyframe takes a keyframe. A stream without one still has its tracks.
func probeKeyframe(ctx context.Context, source tracker) ([]Rendition, error) {
	f, err := source.Keyframe(ctx)
	r := Rendition{Tracks: source.Tracks()}
	switch {
	case err == nil:
		r.Codec, r.Info = f.Codec, f.Info
	case len(r.Tracks) == 0 || ctx.Err() != nil:
		return nil, err
	}
	return []Rendition{r}, nil
}

func probeRTSP(ctx context.Context, source *rtsp.Source) ([]Rendition, error) {
	d, err := source.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return []Rendition{{Codec: d.Codec, Info: d.Info, Tracks: d.Tracks}}, nil
}

func (w *webSource) probe(ctx context.Context) ([]Rendition, error) {
	w.client.StartJob()
	if err := w.recognise(ctx); err != nil {
		return nil, err
	}
	playlist, ok := w.inner.(*hlssource.Source)
	if !ok {
		return probeKeyframe(ctx, w.inner)
	}
	probed, err := playlist.Probe(ctx)
	if err != nil {
		return nil, err
	}
	var list []Rendition
	for i, p := range probed {
		r := Rendition{Index: i, Codec: p.Codec, Info: p.Info, Tracks: p.Tracks, Err: p.Err}
		if p.Variant != nil {
			r.Bandwidth, r.URI = p.Variant.Bandwidth, p.Variant.URI.String()
		}
		list = append(list, r)
	}
	return list, nil
}
