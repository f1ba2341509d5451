package ts

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// LastBefore reads r on and returns the last keyframe whose presentation time is
// at or before the time at from start, or the next one of all where none is. start
// may be keyframe.NoPTS for the beginning of what r reads. It reads up to the
// second picture that is later. Errors are those of Keyframe; what was found
// before one of the source counts for nothing, as a later keyframe may be the one.
func LastBefore(r *Reader, start, at time.Duration) (*keyframe.Frame, error) {
	f, err := r.LastUpTo(start, at)
	if f != nil || err != nil {
		return f, err
	}
	return r.Keyframe()
}

// LastUpTo is LastBefore, but returns nil where a picture is later than at and no
// keyframe came before. It goes on from where r is, so that times which ascend take
// one reading.
func (r *Reader) LastUpTo(start, at time.Duration) (last *keyframe.Frame, err error) {
	later := func(pts time.Duration) bool {
		if start == keyframe.NoPTS {
			start = r.Start()
		}
		return pts != keyframe.NoPTS && Since(pts, start) > at
	}
	// Pictures decoded before a keyframe are shown before it, so that none up to
	// the time follows a picture that is later. But the end of a keyframe may show
	// only by the picture after the next.
	first := keyframe.NoPTS
	enough := func(pts time.Duration) bool {
		if first == keyframe.NoPTS && later(pts) {
			first = pts
		}
		return first != keyframe.NoPTS && pts != first
	}
	for {
		f, err := r.next(enough)
		switch {
		case err != nil && (r.failed() || last == nil):
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

// failed says whether the source ended with an error.
func (r *Reader) failed() bool { return r.err != nil && !errors.Is(r.err, io.EOF) }

// Recording is a transport stream that can be read at any place.
type Recording struct {
	src  io.ReaderAt
	size int64
	head *Reader // of its beginning
	last *Reader // of the keyframe that was returned last
}

const (
	// closeEnough ends the search by halves: less is as soon read as asked for.
	closeEnough = 256 << 10
	// probeBytes is read at once in search of a time: a picture of 5 Mbit/s has
	// 25 kB. maxProbe is how far, beyond a picture of noise in 1080p.
	probeBytes = 32 << 10
	maxProbe   = 8 << 20
	// windowBytes is read at once in search of a keyframe.
	windowBytes = 256 << 10
	// usualGOP is how far in front of the place found the search for a keyframe
	// begins: the GOPs of most streams are no longer. It doubles until one is
	// found.
	usualGOP = 2 * time.Second
	// usualRate, in bytes a second, serves where the recording's own is unknown:
	// 4 Mbit/s.
	usualRate = 512 << 10
	// overlap is how much of what was searched is searched again: a keyframe may
	// lie across, and pictures stand out of order.
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

// KeyframeAt returns the last keyframe at or before the time at from the start,
// or the first of all where none is. It reads a few places. Errors are those of
// Reader.Keyframe.
//
// The clock may wrap, and may jump forward. Where it jumps back, the keyframe is
// of any part in which the time occurs, and a recording has at most 13 hours.
func (r *Recording) KeyframeAt(at time.Duration) (*keyframe.Frame, error) {
	if err := r.head.readStart(); err != nil {
		return nil, err
	}
	start := r.head.Start()
	place, rate, err := r.near(at)
	if err != nil {
		return nil, err
	}
	back := int64(usualGOP.Seconds() * rate)
	for ; place > back; back *= 2 {
		r.last = r.from(place-back, r.size, windowBytes)
		f, err := r.last.LastUpTo(start, at)
		if f != nil || err != nil && r.last.failed() {
			return f, err
		}
		if first := r.last.Start(); first != keyframe.NoPTS {
			at = min(at, Since(first, start)+overlap)
		}
	}
	r.last = r.from(0, r.size, windowBytes)
	return LastBefore(r.last, start, at)
}

// Next reads on and returns the keyframe that follows the one that KeyframeAt, or
// Next, returned last. Errors are those of Reader.Keyframe.
func (r *Recording) Next() (*keyframe.Frame, error) { return r.last.Keyframe() }

// near returns a place whose first picture is not later than at, close to the
// last such place, and how many bytes a second takes up to there.
func (r *Recording) near(at time.Duration) (place int64, rate float64, err error) {
	start := r.head.Start()
	low, high := int64(0), r.size
	rate = usualRate
	for high-low > closeEnough {
		middle := low + (high-low)/2
		probe := r.from(middle, min(high, middle+maxProbe), probeBytes)
		if err := probe.readStart(); err != nil && probe.failed() {
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

// from returns a Reader of the part between two places, which knows the program
// tables of the beginning.
func (r *Recording) from(offset, end int64, buffer int) *Reader {
	return &Reader{
		src: io.NewSectionReader(r.src, offset, end-offset), demux: r.head.demux.elsewhere(),
		buf: make([]byte, buffer),
	}
}

// readStart reads up to the first presentation time of the video stream.
func (r *Reader) readStart() error {
	timeless := false
	for r.Start() == keyframe.NoPTS {
		f, err := r.next(func(time.Duration) bool { return r.Start() != keyframe.NoPTS })
		switch {
		case err != nil && timeless && !r.failed():
			return fmt.Errorf("%w: no picture has a presentation time to look for", keyframe.ErrUnsupported)
		case err != nil:
			return err
		case f != nil:
			timeless = true
		}
	}
	return nil
}

// elsewhere returns a demuxer of the same stream at another place: it knows the
// tables, and has gathered nothing.
func (d *demuxer) elsewhere() *demuxer {
	e := newDemuxer(Options{Program: d.wanted, OnCodec: d.onCodec, SampleAES: d.decrypt})
	e.pat, e.maps, e.programs, e.chosen = d.pat, d.maps, slices.Clone(d.programs), d.chosen
	for pid := range d.sections {
		e.sections[pid] = &section{}
	}
	for _, p := range d.programs {
		if s, ok := p.video(); ok && p.number == d.chosen && d.video != nil {
			e.video = newVideo(s.ID, s.codec)
			e.video.encrypted = d.video.encrypted
		}
	}
	return e
}
