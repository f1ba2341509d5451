package ts

import (
	"errors"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// LastBefore reads r on and returns the last keyframe whose presentation time is
// at or before the time at from start, or the first of all where none is. start
// may be keyframe.NoPTS for the beginning of what r reads. Errors are those of
// Keyframe; what was found before one of the source counts for nothing, as a later
// keyframe may be the one.
func LastBefore(r *Reader, start, at time.Duration) (*keyframe.Frame, error) {
	before, after, err := around(r, start, at)
	switch {
	case before != nil:
		return before, nil
	case after != nil:
		return after, nil
	}
	return nil, err
}

// around returns the last keyframe up to the time at, and the next one.
func around(r *Reader, start, at time.Duration) (before, after *keyframe.Frame, err error) {
	for {
		f, err := r.Keyframe()
		switch {
		case err != nil && r.err != nil && !errors.Is(r.err, io.EOF):
			return nil, nil, err
		case err != nil:
			return before, nil, err
		}
		if start == keyframe.NoPTS {
			start = r.Start()
		}
		if f.PTS != keyframe.NoPTS && Since(f.PTS, start) > at {
			return before, f, nil
		}
		before = f
	}
}

const (
	// closeEnough ends the search by halves: less is as soon read as asked for.
	closeEnough = 512 << 10
	// stepBack is how far in front of the place found the first search for a
	// keyframe begins; it doubles until one is found.
	stepBack = 1 << 20
)

// KeyframeAt returns the last keyframe at or before the time at from the start of
// the size bytes of r, of which it reads a few places. o may be nil. Errors are
// those of Reader.Keyframe. The clock of the stream must run through.
func KeyframeAt(r io.ReaderAt, size int64, at time.Duration, o *Options) (*keyframe.Frame, error) {
	from := func(offset int64) *Reader { return NewReader(io.NewSectionReader(r, offset, size-offset), o) }
	head := from(0)
	if err := head.readStart(); err != nil {
		return nil, err
	}
	start := head.Start()
	low, high := int64(0), size
	for high-low > closeEnough {
		middle := low + (high-low)/2
		there := from(middle)
		err := there.readStart()
		if err == nil && Since(there.Start(), start) <= at {
			low = middle
			continue
		}
		if err != nil && !errors.Is(err, keyframe.ErrNotFound) {
			return nil, err
		}
		high = middle
	}
	for step := int64(stepBack); ; step *= 2 {
		offset := max(0, low-step)
		before, after, err := around(from(offset), start, at)
		switch {
		case before != nil:
			return before, nil
		case offset > 0:
			continue
		case after != nil:
			return after, nil
		}
		return nil, err
	}
}

// readStart reads up to the first presentation time of the video stream.
func (r *Reader) readStart() error {
	for r.Start() == keyframe.NoPTS {
		raw, err := r.packet()
		if err != nil {
			_, err = r.finish(err)
			if err == nil { // a frame without a time
				err = keyframe.ErrNotFound
			}
			return err
		}
		r.feeding = r.demux.take(raw)
	}
	return nil
}
