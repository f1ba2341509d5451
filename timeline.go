package kfgrab

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/internal/parallel"
	"github.com/kfgrab/kfgrab/keyframe"
)

// DefaultParallel is how many keyframes a Timeline reads at once if nothing else is
// asked for. From a server that took 50 ms for each answer, a sheet of 24 took 1.5 s
// one by one, 0.55 s this way, and 0.39 s eight at a time, which is more than the six
// connections that browsers make.
const DefaultParallel = 4

// Timeline gives access by time to the keyframes of a recording, or of the past that
// a live stream lists. It belongs to a Stream and is for one goroutine at a time.
type Timeline struct {
	// Duration is the length of the recording or of the live window.
	Duration time.Duration
	// Live means that it is a window: its times count from the beginning of the
	// segment that was the oldest when Stream.Timeline was called, which the server
	// may remove.
	Live bool

	stream *Stream
	inner  interface {
		Keyframes(ctx context.Context, times []time.Duration, n int, take func(keyframe.Moment))
	}
}

// Keyframes passes the last keyframe at or before each of the times to take. The times
// ascend and count from the start. Every time is in one Moment, even if its keyframe
// cannot be fetched. Times that have the same keyframe share it, and no byte of it is
// fetched twice. In MPEG-TS segments of HLS without an I-frame playlist, the
// beginning of the segment stands in for a time that is within half the distance
// between times after it. If Options.MaxBytes is too small for all keyframes of HLS,
// neighbouring times share one: see Thinned.
//
// At most n keyframes are read at once; 0 stands for DefaultParallel, and n is at
// most 16. take is called in no order, by up to n goroutines at a time; while it runs,
// its goroutine reads nothing. The error of Keyframes itself is one of usage; then take
// was not called.
func (t *Timeline) Keyframes(ctx context.Context, times []time.Duration, n int, take func(keyframe.Moment)) error {
	switch {
	case n < 0:
		return fmt.Errorf("%w: %d keyframes at once", ErrUsage, n)
	case !slices.IsSorted(times) || (len(times) > 0 && times[0] < 0):
		return fmt.Errorf("%w: the times do not ascend from 0", ErrUsage)
	case n == 0:
		n = DefaultParallel
	}

	t.inner.Keyframes(ctx, times, min(n, parallel.Max), func(m keyframe.Moment) {
		if f := m.Frame; f != nil {
			if m.Err = t.stream.checkCodec(f); m.Err != nil {
				m.Frame, m.At = nil, 0
			}
		}
		if m.Err != nil {
			m.Err = t.stream.nameError(m.Err)
		}
		take(m)
	})
	return nil
}

// Thinned reports whether Keyframes took fewer keyframes than it was asked for, because
// of Options.MaxBytes.
func (t *Timeline) Thinned() bool {
	list, isHLS := t.inner.(*hlssource.Timeline)
	return isHLS && list.Thinned
}
