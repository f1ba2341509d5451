package fmp4

import (
	"errors"
	"fmt"
	"math"

	"github.com/kfgrab/kfgrab/keyframe"
)

// errEnd: the file has no more samples.
var errEnd = errors.New("end of samples")

// next returns the next sample of the video track that is sync, or any. It
// follows the boxes of the top level.
func (m *Movie) next(all bool) (sample, error) {
	for {
		if m.list != nil {
			if s, ok := m.list.next(all); ok {
				return s, nil
			}
			m.endList(all)
		}
		if m.seek.over(m.pos) {
			return sample{}, errEnd
		}
		if err := m.box(); err != nil {
			return sample{}, err
		}
	}
}

// endList goes on behind the samples of one box.
func (m *Movie) endList(all bool) {
	switch l := m.list.(type) {
	case *cursor:
		m.number = l.t.count
		m.passed = m.passed || !all && int64(len(l.t.syncs))/4 < l.t.count && !l.t.allSync
		if l.t.count > 0 && !m.init.fragmented {
			m.pos = math.MaxInt64 // nothing but payload is behind
		}
	case *fragment:
		m.passed = m.passed || l.passed
		m.number = l.number
	}
	m.list = nil
}

// box reads the box at pos if it belongs to the index, and goes behind it.
func (m *Movie) box() error {
	// What is no longer than a header is nothing to look at: the padding of what was
	// encrypted, say.
	if m.pos > math.MaxInt64/2 || m.track != nil && m.w.size >= 0 && m.w.size-m.pos <= longHeaderBytes {
		return m.end()
	}
	head, err := m.w.at(m.pos, longHeaderBytes, windowBytes)
	if err != nil {
		return err
	}
	h, ok, err := parseHeader(head)
	if err != nil {
		return err
	}
	if !ok {
		return m.end()
	}
	at := m.pos
	m.pos += h.size
	switch h.kind {
	case "moov":
		return m.moov(h, at)
	case "moof":
		return m.moof(h, at)
	case "sidx":
		return m.sidx(h, at)
	}
	if h.size == 0 {
		m.pos = math.MaxInt64
	}
	return nil
}

// end tells what it means that there are no more boxes.
func (m *Movie) end() error {
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

// load reads a box of the index whole and returns its body, to keep.
func (m *Movie) load(h header, at, limit int64) ([]byte, error) {
	if h.size == 0 {
		// To the end of the file, which may not be known yet.
		b, err := m.w.at(at, int(limit), 0)
		if err != nil {
			return nil, err
		}
		m.pos = math.MaxInt64
		h.size = int64(len(b))
	}
	if h.size > limit {
		return nil, fmt.Errorf("%w: %s box of %d bytes", keyframe.ErrCorrupt, h.kind, h.size)
	}
	// The head of the next box comes along: after moof, that of its mdat.
	if _, err := m.w.whole("the "+h.kind+" box", at, h.size, int(h.size)+longHeaderBytes); err != nil {
		return nil, err
	}
	return m.w.release(at, int(h.size))[h.len:], nil
}

func (m *Movie) moov(h header, at int64) error {
	body, err := m.load(h, at, maxMoov)
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

// openTrack chooses the video track.
func (m *Movie) openTrack() error {
	t, err := m.init.Video()
	if err != nil {
		return err
	}
	m.track = t
	if m.asm != nil && m.asm.Codec() != t.Codec {
		m.asm = nil
	}
	m.expected = -1 // the numbers of samples begin anew
	return nil
}

func (m *Movie) moof(h header, at int64) error {
	if m.init == nil {
		return fmt.Errorf("%w: a media segment without its init segment", keyframe.ErrCorrupt)
	}
	if m.track == nil {
		if err := m.openTrack(); err != nil {
			return err
		}
	}
	body, err := m.load(h, at, maxMoof)
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
		m.begin(&f.runs[0])
	}
	m.list = f
	return nil
}

// begin notes the times of the first sample.
func (m *Movie) begin(r *trackRun) {
	if m.start == keyframe.NoPTS {
		_, _, _, composition := r.fields(0)
		m.start = duration(r.pts+int64(composition), m.track.Timescale)
		m.begun = r.pts + m.track.editShift
	}
}
