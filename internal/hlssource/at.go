package hlssource

import (
	"context"
	"errors"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

const (
	// maxBack bounds the segments that are looked into for a keyframe before the
	// time asked for: a GOP of a minute in segments of 2 s.
	maxBack = 30

	// timeSlack: times are asked for and printed in milliseconds, and pictures lie
	// at fractions of them.
	timeSlack = time.Millisecond
)

// at returns the last keyframe up to Options.At, or the first one of all behind
// it.
func (s *Source) at(ctx context.Context, media *hls.Media) (*keyframe.Frame, error) {
	s.course.begin(media)
	until := s.opts.At + timeSlack
	seg, err := media.At(until)
	if err != nil {
		return nil, err
	}
	asked := seg
	var late *keyframe.Frame // the first one after the time
	var fault error
	for range maxBack {
		s.log(ctx, "segment", "sequence", seg.Sequence, "uri", seg.URI.String(), "start", seg.Start)
		f, early, err := s.lastUpTo(ctx, seg, until-seg.Start)
		switch {
		case err == nil && early:
			return f, nil
		case err == nil:
			late = f
		case !anotherMayDo(ctx, err):
			return nil, err
		case fault != nil && !errors.Is(err, keyframe.ErrNotFound):
			return nil, fault
		case fault == nil:
			fault = err
		}
		if seg, err = media.Before(seg.Sequence); err != nil {
			break
		}
	}
	if late != nil {
		return late, nil
	}
	if next := media.Neighbour(asked); next != nil && ctx.Err() == nil {
		if f, err := s.first(ctx, next); err == nil {
			return f, nil
		}
	}
	return nil, fault
}

// lastUpTo returns the last keyframe of seg that is no further than until behind
// its beginning: then it is early. Where there is none, it returns the first.
func (s *Source) lastUpTo(ctx context.Context, seg *hls.Segment, until time.Duration) (f *keyframe.Frame, early bool, err error) {
	r, err := s.open(ctx, seg)
	if err != nil {
		return nil, false, err
	}
	defer func() { s.done(r, err) }()
	switch c := r.container.(type) {
	case *fmp4.Movie:
		f, err = c.KeyframeAt(until)
	case *ts.Reader:
		f, err = ts.LastBefore(c, keyframe.NoPTS, until)
	}
	if err != nil {
		return nil, false, err
	}
	r.date(f)
	return f, r.offset(f) <= until, nil
}
