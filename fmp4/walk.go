package fmp4

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// errEnd: the file has no more samples.
var errEnd = errors.New("end of samples")

// nextSample returns the next sync sample of the video track, or with all the next
// sample. It follows the boxes of the top level.
func (m *Movie) nextSample(all bool) (sample, error) {
	for {
		if m.list != nil {
			if s, ok := m.list.next(all); ok {
				return s, nil
			}
			m.finishList(all)
		}

		if m.seek.isOver(m.pos) {
			return sample{}, errEnd
		}
		if err := m.readBox(); err != nil {
			return sample{}, err
		}
	}
}

// finishList goes on after the samples of one box.
func (m *Movie) finishList(all bool) {
	switch l := m.list.(type) {
	case *cursor:
		m.number = l.t.count
		m.skipped = m.skipped || (!all && int64(len(l.t.syncs))/4 < l.t.count && !l.t.allSync)
		if l.t.count > 0 && !m.init.fragmented {
			m.pos = math.MaxInt64 // only payload follows
		}
	case *fragment:
		m.skipped = m.skipped || l.skipped
		m.number = l.number
	}
	m.list = nil
}

// readBox reads the box at pos if it belongs to the index, and moves after it.
func (m *Movie) readBox() error {
	// A remainder no longer than a header is ignored: padding of encrypted data, for
	// instance.
	if m.pos > math.MaxInt64/2 || (m.track != nil && m.w.size >= 0 && m.w.size-m.pos <= longHeaderBytes) {
		return m.endBoxes()
	}
	head, err := m.w.readAt(m.pos, longHeaderBytes, windowBytes)
	if err != nil {
		return err
	}
	h, ok, err := parseHeader(head)
	if err != nil {
		return err
	}
	if !ok {
		return m.endBoxes()
	}

	at := m.pos
	m.pos += h.size
	switch h.kind {
	case "moov":
		return m.readMoov(h, at)
	case "moof":
		return m.readMoof(h, at)
	case "sidx":
		return m.readSidx(h, at)
	}
	if h.size == 0 {
		m.pos = math.MaxInt64
	}
	return nil
}

// endBoxes returns the error for a file without further boxes. It is nil if a track is
// still to be chosen.
func (m *Movie) endBoxes() error {
	switch {
	case m.track != nil:
		return errEnd
	case m.init != nil:
		return m.openTrack()
	case m.pos == 0:
		return fmt.Errorf("%w: no MP4 box at all", keyframe.ErrCorrupt)
	}
	return fmt.Errorf("%w: the file ends before its index (moov box)", keyframe.ErrCorrupt)
}

// loadBox reads a box of the index whole and returns its body, to keep.
func (m *Movie) loadBox(h header, at, limit int64) ([]byte, error) {
	if h.size == 0 {
		// To the end of the file, which may not be known yet.
		b, err := m.w.readAt(at, int(limit), 0)
		if err != nil {
			return nil, err
		}
		m.pos = math.MaxInt64
		h.size = int64(len(b))
	}
	if h.size > limit {
		return nil, fmt.Errorf("%w: %s box of %d bytes", keyframe.ErrCorrupt, h.kind, h.size)
	}

	// Read the head of the next box as well: after moof, that of its mdat.
	if _, err := m.w.readWhole("the "+h.kind+" box", at, h.size, int(h.size)+longHeaderBytes); err != nil {
		return nil, err
	}
	return m.w.releaseBytes(at, int(h.size))[h.len:], nil
}

func (m *Movie) readMoov(h header, at int64) error {
	body, err := m.loadBox(h, at, maxMoov)
	if err != nil {
		return err
	}
	if m.init, err = parseMoov(box{h.kind, body, at + h.len}); err != nil {
		return err
	}

	m.track = nil
	if err = m.openTrack(); err != nil {
		return err
	}

	t := newTable(m.track.stbl)
	m.list = newCursor(t, m.track.editShift)
	if m.seek != nil && t.count > 0 && m.track.edited {
		m.seek.anchored = true // at 0
	}
	return nil
}

func (m *Movie) readMoof(h header, at int64) error {
	if m.init == nil {
		return fmt.Errorf("%w: a media segment without its init segment", keyframe.ErrCorrupt)
	}
	if m.track == nil {
		if err := m.openTrack(); err != nil {
			return err
		}
	}

	body, err := m.loadBox(h, at, maxMoof)
	if err != nil {
		return err
	}
	f, err := parseMoof(box{h.kind, body, at}, at+h.len+int64(len(body)), m.track, m.number, m.dts)
	if err != nil {
		return err
	}
	if m.plain += f.plain; m.plain > maxUniform {
		return fmt.Errorf("%w: more than %d samples of no bytes each", keyframe.ErrCorrupt, maxUniform)
	}

	if len(f.runs) == 0 && len(m.others) == 0 {
		m.others = f.others
	}
	if len(f.runs) > 0 {
		m.dts = f.end
		m.noteStart(&f.runs[0])
	}
	m.list = f
	return nil
}

// noteStart notes the times of the first sample.
func (m *Movie) noteStart(r *trackRun) {
	if m.start == keyframe.NoPTS {
		_, _, _, composition := r.readFields(0)
		m.start = toDuration(r.pts+int64(composition), m.track.Timescale)
		m.begun = r.pts + m.track.editShift
	}
}

// sample is an access unit in the index.
type sample struct {
	number int64 // counts the samples that the index lists, in decoding order
	off    int64
	size   int64
	pts    int64 // composition time less Track.editShift, in Track.Timescale
	sync   bool
	desc   int  // index of its description
	hidden bool // there is encryption data
	aux    *auxiliary
	entry  int // in aux
}

// samples yields the samples of one track in decoding order: those of a moov
// box, or of a moof box.
type samples interface {
	// next returns the next sync sample, or with all the next sample. It skips empty
	// samples. ok is false at the end.
	next(all bool) (s sample, ok bool)
}

// toDuration converts media time. It returns keyframe.NoPTS for times that a Duration
// cannot hold, and 0 for those before the start of the movie.
func toDuration(units int64, timescale uint32) time.Duration {
	if timescale == 0 {
		return keyframe.NoPTS
	}
	scale := int64(timescale)
	seconds, rest := units/scale, units%scale
	if seconds >= math.MaxInt64/int64(time.Second) {
		return keyframe.NoPTS
	}
	return max(0, time.Duration(seconds)*time.Second+time.Duration(rest)*time.Second/time.Duration(scale))
}
