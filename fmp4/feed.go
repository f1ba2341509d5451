package fmp4

import (
	"bytes"
	"fmt"

	"github.com/kfgrab/kfgrab/keyframe"
)

// maxWindow reads a sample and nothing behind it.
func maxWindow(s sample) int { return int(min(s.size, maxSample)) }

// feed gives a sample to the assembler.
func (m *Movie) feed(s sample, ahead int) error {
	d, err := m.description(s)
	if err != nil {
		return err
	}
	switch {
	case s.off < 0 || s.off > maxTime:
		return fmt.Errorf("%w: sample %d lies outside of the file", keyframe.ErrCorrupt, s.number+1)
	case s.size > maxSample:
		return fmt.Errorf("%w: sample %d of %d bytes", keyframe.ErrCorrupt, s.number+1, s.size)
	}
	data, err := m.w.whole(fmt.Sprintf("sample %d of the video track", s.number+1), s.off, s.size, ahead)
	if err != nil {
		return err
	}
	if err := m.spend(s); err != nil {
		return err
	}
	if d.protected(s) {
		if data, err = d.encryption.decrypt(s, data, m.key); err != nil {
			return err
		}
	}
	if err := m.prepare(d); err != nil {
		return err
	}
	if s.number != m.expected {
		m.asm.Lose()
	}
	m.expected = s.number + 1
	m.push(data, d, s)
	return nil
}

// description returns the sample's own, and an error if it cannot be read.
func (m *Movie) description(s sample) (*description, error) {
	if len(m.track.descriptions) == 0 {
		return nil, fmt.Errorf("%w: track %d has no sample description", keyframe.ErrCorrupt, m.track.ID)
	}
	d := &m.track.descriptions[0]
	if s.desc >= 0 && s.desc < len(m.track.descriptions) {
		d = &m.track.descriptions[s.desc]
	}
	if d.protected(s) {
		if err := d.encryption.readable(s, m.key); err != nil {
			return nil, err
		}
	}
	if d.codec != m.track.Codec {
		return nil, fmt.Errorf("%w: sample description %s", keyframe.ErrUnsupported, printable(d.format))
	}
	return d, nil
}

// spend keeps account of the payload read. Samples that lie over each other, so
// that a small file has payload without end, are damage.
func (m *Movie) spend(s sample) error {
	const slack = 4
	m.spent += s.size
	m.deepest = max(m.deepest, s.off+s.size)
	if m.spent > slack*m.deepest {
		return fmt.Errorf("%w: samples lie over each other", keyframe.ErrCorrupt)
	}
	return nil
}

// maxSets bounds the parameter sets given to the assembler in the search for one
// keyframe, where samples change between descriptions: of 1 kB, 65536 times.
const maxSets = 64 << 20

// prepare gives the assembler the parameter sets of d.
func (m *Movie) prepare(d *description) error {
	if m.asm == nil {
		m.asm = keyframe.NewAssembler(d.codec)
		if m.every {
			m.asm.EveryPicture()
		}
		m.sets, m.expected = nil, -1
	}
	if m.sets == d {
		return nil
	}
	for _, set := range d.sets {
		m.setBytes += len(set)
	}
	if m.setBytes > maxSets {
		return fmt.Errorf("%w: sample descriptions change without end", keyframe.ErrCorrupt)
	}
	m.asm.AddParameterSets(d.sets...)
	m.sets = d
	return nil
}

// push cuts a sample into NAL units (ISO/IEC 14496-15 5.3.4.2).
func (m *Movie) push(data []byte, d *description, s sample) {
	pts := duration(s.pts, m.track.Timescale)
	keep := func(f *keyframe.Frame) {
		if f != nil {
			m.ready = append(m.ready, f)
		}
	}
	whole := d.nalLengthSize > 0
	if whole && !isLengthPrefixed(data, d.nalLengthSize) {
		whole = !isByteStream(data)
	}
	if !whole {
		for nalu := range keyframe.AnnexB(data) {
			keep(m.asm.Push(nalu, pts))
		}
		keep(m.asm.EndAccessUnit())
		return
	}
	for len(data) > 0 {
		nalu, rest, ok := cutNALU(data, d.nalLengthSize)
		if !ok {
			m.asm.Lose() // a NAL unit longer than its sample
			return
		}
		keep(m.asm.Push(nalu, pts))
		data = rest
	}
	keep(m.asm.EndAccessUnit())
}

// cutNALU takes one NAL unit with its length in front off b. Less than a length
// of zeros at the end is padding.
func cutNALU(b []byte, lengthSize int) (nalu, rest []byte, ok bool) {
	if len(b) < lengthSize {
		return nil, nil, len(bytes.Trim(b, "\x00")) == 0
	}
	n := 0
	for _, c := range b[:lengthSize] {
		n = n<<8 | int(c)
	}
	b = b[lengthSize:]
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

func isLengthPrefixed(data []byte, lengthSize int) bool {
	for len(data) > 0 {
		_, rest, ok := cutNALU(data, lengthSize)
		if !ok {
			return false
		}
		data = rest
	}
	return true
}

// isByteStream says whether a sample begins with a start code, as muxers write
// that take over an Annex B byte stream as it is.
func isByteStream(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0, 0, 1}) || bytes.HasPrefix(data, []byte{0, 0, 0, 1})
}
