package kfgrab

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/keyframe"
)

// DefaultParallel is how many keyframes a Timeline reads at once where nothing else
// is asked for. From a server that took 50 ms for each answer, a sheet of 24 took
// 1.5 s one by one, 0.55 s so, and 0.39 s eight at a time, which is more than the six
// connections that browsers make.
const DefaultParallel = 4

// Timeline is a recording, or what a live stream lists of its past, whose keyframes
// can be had by their times. It belongs to a Stream and is for one goroutine at a
// time.
type Timeline struct {
	// Duration is the length of the recording or of the live window.
	Duration time.Duration
	// Live says that it is a window: its times count from what the oldest segment was
	// when Stream.Timeline was called, which the server may take away.
	Live bool

	stream *Stream
	inner  timeline
}

// timeline gives each of the times, which ascend, to take once: see hlssource.Timeline and
// file.Timeline.
type timeline interface {
	Keyframes(ctx context.Context, times []time.Duration, n int, take func(keyframe.Moment))
}

// timelined is a source that has times to go to.
type timelined interface {
	timeline(ctx context.Context) (*Timeline, error)
}

// Timeline reads what tells the times of the stream and no picture: the playlist of
// an HLS stream, live or not, or the index of an MP4 file that is local or read by
// ranges. Others are an error that wraps keyframe.ErrUnsupported. What it and
// Timeline.Keyframes fetch has the bound Options.MaxBytes together.
func (s *Stream) Timeline(ctx context.Context) (*Timeline, error) {
	var t *Timeline
	var err error
	switch source := s.source.(type) {
	case *file.Source:
		t, err = fileTimeline(ctx, source)
	case timelined:
		t, err = source.timeline(ctx)
	default:
		err = fmt.Errorf("%w: only HLS and MP4 have keyframes of several times to go to", keyframe.ErrUnsupported)
	}
	if err != nil {
		return nil, s.named(err)
	}
	t.stream = s
	return t, nil
}

func fileTimeline(ctx context.Context, source *file.Source) (*Timeline, error) {
	t, err := source.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	return &Timeline{Duration: t.Duration, inner: t}, nil
}

func (w *webSource) timeline(ctx context.Context) (*Timeline, error) {
	w.client.StartJob()
	if err := w.recognise(ctx); err != nil {
		return nil, err
	}
	lists, ok := w.inner.(*hlssource.Source)
	if !ok {
		return fileTimeline(ctx, w.inner.(*file.Source))
	}
	t, err := lists.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	return &Timeline{Duration: t.Duration, Live: t.Live, inner: t}, nil
}

// Keyframes gives take the last keyframe at or before each of the times, which
// ascend and count from the start. Every time is in one Moment, also where its
// keyframe cannot be had; times that have the same keyframe share it, and no byte of
// it is fetched twice. Of a transport stream in HLS without an I-frame playlist the
// beginning of the segment serves, where it is nearer than half of the distance
// between times: see hlssource.Timeline.
//
// At most n keyframes are read at once; 0 stands for DefaultParallel, and more than
// keyframe.MaxParallel for that. take is called in no order, by one goroutine at a
// time for each of them; what it does delays the reading. Errors name the stream,
// redacted. The error of Keyframes itself is one of usage; it then was not called.
func (t *Timeline) Keyframes(ctx context.Context, times []time.Duration, n int, take func(keyframe.Moment)) error {
	if n < 0 || !slices.IsSorted(times) || len(times) > 0 && times[0] < 0 {
		return fmt.Errorf("%w: times that do not ascend from 0, or %d at once", ErrUsage, n)
	}
	if n == 0 {
		n = DefaultParallel
	}
	t.inner.Keyframes(ctx, times, min(n, keyframe.MaxParallel), func(m keyframe.Moment) {
		if f := m.Frame; f != nil {
			if m.Err = t.stream.wants(f); m.Err != nil {
				m.Frame, m.At = nil, 0
			}
		}
		if m.Err != nil {
			m.Err = t.stream.named(m.Err)
		}
		take(m)
	})
	return nil
}
