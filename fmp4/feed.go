package fmp4

import (
	"fmt"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// sampleBytes is how much to read for a single sample.
func sampleBytes(s sample) int { return int(min(s.size, maxSample)) }

// feedSample gives a sample to the assembler.
func (m *Movie) feedSample(s sample, ahead int) error {
	d, err := m.describeSample(s)
	if err != nil {
		return m.skipUnreadable(err)
	}

	switch {
	case s.off < 0 || s.off > maxTime:
		return fmt.Errorf("%w: sample %d lies outside of the file", keyframe.ErrCorrupt, s.number+1)
	case s.size > maxSample:
		return fmt.Errorf("%w: sample %d of %d bytes", keyframe.ErrCorrupt, s.number+1, s.size)
	}

	data, err := m.w.readWhole(fmt.Sprintf("sample %d of the video track", s.number+1), s.off, s.size, ahead)
	if err != nil {
		return err
	}
	if err := m.countPayload(s); err != nil {
		return err
	}
	if d.isProtected(s) {
		if data, err = d.encryption.decryptSample(s, data, m.key); err != nil {
			return err
		}
	}

	if err := m.prepareAssembler(d); err != nil {
		return err
	}
	if s.number != m.expected {
		m.asm.Lose()
	}
	m.expected = s.number + 1
	m.pushSample(data, d, s)
	return nil
}

// describeSample returns the description of a sample, and an error if the sample cannot
// be read.
func (m *Movie) describeSample(s sample) (*description, error) {
	if len(m.track.descriptions) == 0 {
		return nil, fmt.Errorf("%w: track %d has no sample description", keyframe.ErrCorrupt, m.track.ID)
	}
	d := &m.track.descriptions[m.track.main]
	if s.desc >= 0 && s.desc < len(m.track.descriptions) {
		d = &m.track.descriptions[s.desc]
	}

	if d.err != nil {
		return nil, d.err
	}
	if d.isProtected(s) {
		if err := d.encryption.checkReadable(s, m.key); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// maxUnreadable bounds the samples that are skipped because their description cannot be
// read: the keyframes of four minutes, which is as long as advertisements take.
const maxUnreadable = 120

// skipUnreadable returns err, which is about one sample, unless the track has a
// description whose samples can be read: these may follow.
func (m *Movie) skipUnreadable(err error) error {
	readable := func(d description) bool { return d.err == nil && (d.encryption == nil || m.key != nil) }
	if m.unreadable == maxUnreadable || !slices.ContainsFunc(m.track.descriptions, readable) {
		return err
	}

	m.unreadable++
	if m.refusal == nil {
		m.refusal = err
	}
	return nil
}

// countPayload counts the payload read. It refuses samples that overlap so often that a
// small file would have payload without end.
func (m *Movie) countPayload(s sample) error {
	const slack = 4
	m.spent += s.size
	m.deepest = max(m.deepest, s.off+s.size)
	if m.spent > slack*m.deepest {
		return fmt.Errorf("%w: samples overlap", keyframe.ErrCorrupt)
	}
	return nil
}

// maxSets bounds the parameter sets given to the assembler in the search for one
// keyframe if samples change between descriptions: 65536 sets of 1 kB.
const maxSets = 64 << 20

// prepareAssembler gives the assembler the parameter sets of d.
func (m *Movie) prepareAssembler(d *description) error {
	if m.asm == nil || m.asm.Codec() != d.codec {
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

// pushSample cuts a sample into NAL units (ISO/IEC 14496-15 5.3.4.2).
func (m *Movie) pushSample(data []byte, d *description, s sample) {
	pts := toDuration(s.pts, m.track.Timescale)
	keep := func(f *keyframe.Frame) {
		if f != nil {
			m.ready = append(m.ready, f)
		}
	}

	lengthSize := lengthSizeOf(d.codec, data, d.nalLengthSize)
	if lengthSize == byteStream {
		for nalu := range keyframe.AnnexB(data) {
			keep(m.asm.Push(nalu, pts))
		}
		keep(m.asm.EndAccessUnit())
		return
	}

	for len(data) > 0 {
		nalu, rest, ok := cutNALU(data, lengthSize)
		if !ok {
			m.asm.Lose() // a NAL unit longer than its sample
			return
		}
		keep(m.asm.Push(nalu, pts))
		data = rest
	}
	keep(m.asm.EndAccessUnit())
}
