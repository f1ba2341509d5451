package ts

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// KeyframeAt reads on and returns the last keyframe whose presentation time is at or
// before the time at from start, or the next keyframe if there is none. start may be
// keyframe.NoPTS for the beginning of what r reads. It reads up to the second picture
// that is later. Errors are those of Keyframe. After an error of the source,
// KeyframeAt returns no keyframe that it has found before, as a later one may be the
// right one.
func (r *Reader) KeyframeAt(start, at time.Duration) (*keyframe.Frame, error) {
	f, err := r.LastKeyframe(start, at)
	if f != nil || err != nil {
		return f, err
	}
	return r.Keyframe()
}

// LastKeyframe is KeyframeAt, but returns nil if a picture is later than at and no
// keyframe came before it. It reads on from where r is, so that ascending times take
// one pass.
func (r *Reader) LastKeyframe(start, at time.Duration) (last *keyframe.Frame, err error) {
	later := func(pts time.Duration) bool {
		if start == keyframe.NoPTS {
			start = r.Start()
		}
		if pts == keyframe.NoPTS {
			return false
		}
		r.latest = max(r.latest, Since(pts, start))
		return Since(pts, start) > at
	}

	// Pictures decoded before a keyframe are shown before it, so that none up to
	// the time follows a picture that is later. But only the picture after the next
	// may show the end of a keyframe.
	first := keyframe.NoPTS
	enough := func(pts time.Duration) bool {
		if first == keyframe.NoPTS && later(pts) {
			first = pts
		}
		return first != keyframe.NoPTS && pts != first
	}

	for {
		f, err := r.nextFrame(enough)
		switch {
		case err != nil && (r.hasFailed() || last == nil):
			return nil, err
		case err != nil || f == nil:
			return last, nil
		case later(f.PTS):
			r.ready = f
			return last, nil
		}
		last = f
	}
}

// SeenEnd returns how long after the start the latest picture is shown, if KeyframeAt or
// LastKeyframe has read to the end of the stream.
func (r *Reader) SeenEnd() (end time.Duration, seen bool) {
	return r.latest, errors.Is(r.err, io.EOF)
}

// hasFailed reports whether the source ended with an error.
func (r *Reader) hasFailed() bool { return r.err != nil && !errors.Is(r.err, io.EOF) }

// Recording is a transport stream that can be read at any place.
type Recording struct {
	src  io.ReaderAt
	size int64
	head *Reader // of its beginning
	last *Reader // of the keyframe returned last

	latest time.Duration // of the pictures that KeyframeAt came across, from the start
	ended  bool          // one of them is the last
}

const (
	// closeEnough ends the binary search: reading less saves nothing.
	closeEnough = 256 << 10
	// probeBytes is read at once in search of a time: a picture of 5 Mbit/s has
	// 25 kB. maxProbe is how far, beyond a picture of noise in 1080p.
	probeBytes = 32 << 10
	maxProbe   = 8 << 20
	// windowBytes is read at once in search of a keyframe.
	windowBytes = 256 << 10
	// usualGOP is how far before the place found the search for a keyframe begins:
	// the GOPs of most streams are no longer. It doubles until one is found.
	usualGOP = 2 * time.Second
	// usualRate, in bytes a second, is used if the recording's own is unknown:
	// 4 Mbit/s.
	usualRate = 512 << 10
	// maxLength is longer than what the clock of 33 bits can count (ISO/IEC 13818-1
	// 2.4.3.7).
	maxLength = 27 * time.Hour
	// overlap is how much of what was searched is searched again: a keyframe may lie
	// across the boundary, and pictures are out of order.
	overlap = time.Second
)

// NewRecording returns a Recording of the size bytes of src. o may be nil.
func NewRecording(src io.ReaderAt, size int64, o *Options) *Recording {
	head := NewReader(io.NewSectionReader(src, 0, size), o)
	return &Recording{src: src, size: size, head: head, last: head}
}

// Tracks lists the elementary streams of the program maps at the beginning, once
// KeyframeAt has read them.
func (r *Recording) Tracks() []keyframe.Track { return r.head.Tracks() }

// KeyframeAt returns the last keyframe at or before the time at from the start, or
// the first keyframe if there is none. It reads a few places. Errors are those of
// Reader.Keyframe.
//
// The clock may wrap and jump forward. If it jumps back, the keyframe is of any part
// in which the time occurs. A recording has at most 13 hours.
func (r *Recording) KeyframeAt(at time.Duration) (*keyframe.Frame, error) {
	if err := r.head.readStart(); err != nil {
		return nil, err
	}

	start := r.head.Start()
	place, rate, err := r.findNear(at)
	if err != nil {
		return nil, err
	}

	back := int64(usualGOP.Seconds() * rate)
	for ; place > back; back *= 2 {
		r.last = r.readerFrom(place-back, r.size, windowBytes)
		f, err := r.last.LastKeyframe(start, at)
		r.noteEnd()
		if f != nil || (err != nil && r.last.hasFailed()) {
			return f, err
		}
		if first := r.last.Start(); first != keyframe.NoPTS {
			at = min(at, Since(first, start)+overlap)
		}
	}

	r.last = r.readerFrom(0, r.size, windowBytes)
	defer r.noteEnd()
	return r.last.KeyframeAt(start, at)
}

func (r *Recording) noteEnd() {
	latest, ended := r.last.SeenEnd()
	r.latest, r.ended = max(r.latest, latest), r.ended || ended
}

// SeenEnd returns how long after the start the latest picture is shown, if KeyframeAt
// has read to the end of the recording.
func (r *Recording) SeenEnd() (end time.Duration, seen bool) { return r.latest, r.ended }

// Duration returns how long after the start the latest picture is shown that its end
// holds, of which it reads as little as shows one. Errors are those of Reader.Keyframe.
func (r *Recording) Duration() (time.Duration, error) {
	if err := r.head.readStart(); err != nil {
		return 0, err
	}

	start, size := r.head.Start(), int64(windowBytes)
	for {
		from := max(r.size-size, 0)
		end := r.readerFrom(from, r.size, windowBytes)
		if _, err := end.LastKeyframe(start, maxLength); err != nil && end.hasFailed() {
			return 0, err
		}
		if end.Start() != keyframe.NoPTS || from == 0 {
			return end.latest, nil
		}
		size *= 2
	}
}

// Next reads on and returns the keyframe after the one that KeyframeAt or Next
// returned last. Errors are those of Reader.Keyframe.
func (r *Recording) Next() (*keyframe.Frame, error) { return r.last.Keyframe() }

// findNear returns a place whose first picture is not later than at, close to the
// last such place, and the bytes per second up to there.
func (r *Recording) findNear(at time.Duration) (place int64, rate float64, err error) {
	start := r.head.Start()
	low, high := int64(0), r.size
	rate = usualRate

	for high-low > closeEnough {
		middle := low + (high-low)/2
		probe := r.readerFrom(middle, min(high, middle+maxProbe), probeBytes)
		if err := probe.readStart(); err != nil && probe.hasFailed() {
			return 0, 0, err
		}
		since := Since(probe.Start(), start)
		if probe.Start() == keyframe.NoPTS || since > at {
			high = middle
			continue
		}

		low = middle
		if since > 0 {
			rate = max(float64(middle)/since.Seconds(), probeBytes)
		}
	}

	return low, rate, nil
}

// readerFrom returns a Reader of the part between two places, which knows the program
// tables of the beginning.
func (r *Recording) readerFrom(offset, end int64, buffer int) *Reader {
	return &Reader{
		src: io.NewSectionReader(r.src, offset, end-offset), demux: r.head.demux.copyForSeek(),
		buf: make([]byte, buffer),
	}
}

// readStart reads up to the first presentation time of the video stream.
func (r *Reader) readStart() error {
	timeless := false
	for r.Start() == keyframe.NoPTS {
		f, err := r.nextFrame(func(time.Duration) bool { return r.Start() != keyframe.NoPTS })
		switch {
		case err != nil && timeless && !r.hasFailed():
			return fmt.Errorf("%w: no picture has a presentation time to look for", keyframe.ErrUnsupported)
		case err != nil:
			return err
		case f != nil:
			timeless = true
		}
	}
	return nil
}
