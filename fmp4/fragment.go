package fmp4

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// maxMoof bounds one movie fragment: a million samples at 16 bytes each.
	maxMoof = 16 << 20

	// maxPlain bounds the samples of a fragment without bytes in its trun boxes: 18
	// minutes of 60 pictures a second. maxUniform bounds those of a file.
	maxPlain = 1 << 16
)

// fragment holds the samples that one moof box (ISO/IEC 14496-12 8.8.4) lists
// for one track.
type fragment struct {
	runs    []trackRun
	number  int64    // of the next sample
	end     int64    // decode time after the last one
	skipped bool     // samples were skipped
	plain   int64    // samples without bytes in the index
	others  []uint32 // tracks that have samples too
}

// trackRun is a trun box (8.8.8), with what it inherits.
type trackRun struct {
	list   []byte
	stride int
	flags  uint32 // of the box: which fields an entry has
	count  int64

	duration, size, sampleFlags uint32 // defaults
	firstFlags                  uint32 // of the first sample, if hasFirst
	hasFirst                    bool

	off, pts int64 // of the next sample; pts without its composition offset
	index    int64 // of the next sample
	desc     int
	aux      *auxiliary
	entry    int // in aux, of the first sample
}

// fragmentParser turns a moof box into a fragment.
type fragmentParser struct {
	track *Track
	at    int64 // of the moof box
	end   int64 // of the moof box
	body  []byte
	data  int64 // where the data of the traf box before ends
	out   *fragment
	dts   int64 // where a traf box without tfdt continues
}

// parseMoof reads the samples of track t. first is the number of the first one, dts
// its decode time if the box has none. The fragment keeps parts of moof.
func parseMoof(moof box, end int64, t *Track, first, dts int64) (*fragment, error) {
	p := fragmentParser{track: t, at: moof.at, end: end, body: moof.body, data: moof.at, out: &fragment{number: first}, dts: dts}
	for c := range listBoxes(moof.body, 0) {
		if c.kind == "traf" {
			if err := p.parseTraf(c); err != nil {
				return nil, err
			}
		}
	}
	p.out.end = p.dts
	return p.out, nil
}

// parseTraf reads a track fragment (8.8.6). Those of other tracks count too, because
// the data of this one may follow theirs.
func (p *fragmentParser) parseTraf(traf box) error {
	b, ok := traf.findBox("tfhd")
	if !ok {
		return fmt.Errorf("%w: track fragment without tfhd box", keyframe.ErrCorrupt)
	}
	tfhd, err := decodeLeaf[*mp4.TfhdBox](b)
	if err != nil {
		return err
	}

	base, explicit := p.dataBase(tfhd)
	run := p.readDefaults(tfhd)
	run.pts = p.decodeTime(traf) - p.track.editShift
	p.data = base
	mine := tfhd.TrackID == p.track.ID
	if mine {
		run.aux = p.parseAuxiliary(traf, base)
	} else if len(p.out.others) < maxTracks {
		p.out.others = append(p.out.others, tfhd.TrackID)
	}

	for c := range listBoxes(traf.body, 0) {
		if c.kind != "trun" {
			continue
		}
		r, err := p.parseTrun(c.body, &run, base, explicit)
		if err != nil {
			return err
		}
		if mine {
			if err := p.keepRun(r); err != nil {
				return err
			}
		}
	}
	if mine {
		p.dts = run.pts + p.track.editShift
	}
	return nil
}

// parseTrun reads a trun box that inherits from run, and moves run and p.data after
// its samples.
func (p *fragmentParser) parseTrun(body []byte, run *trackRun, base int64, explicit bool) (trackRun, error) {
	r, offset, hasOffset, err := run.readTrun(body)
	if err != nil {
		return r, err
	}

	switch {
	case hasOffset:
		r.off = base + int64(offset)
	case !explicit && p.data < p.end && p.data >= p.at:
		// Without any offset, data begins in the moof box itself by the letter
		// of 8.8.7.1. Writers that omit both mean the mdat box after it.
		r.off = p.end + headerBytes
	default:
		r.off = p.data
	}

	size, duration := r.sumSamples()
	p.data = r.off + size
	run.pts += duration
	run.entry += int(r.count)
	return r, nil
}

// keepRun adds the samples of a trun box to the fragment.
func (p *fragmentParser) keepRun(r trackRun) error {
	if r.count == 0 {
		return nil
	}
	p.out.runs = append(p.out.runs, r)
	if r.stride == 0 {
		p.out.plain += r.count
	}
	if p.out.plain > maxPlain {
		return errShortRun
	}
	return nil
}

// dataBase returns where data offsets count from (8.8.7.1).
func (p *fragmentParser) dataBase(tfhd *mp4.TfhdBox) (dataBase int64, explicit bool) {
	switch {
	case tfhd.HasBaseDataOffset():
		return int64(min(tfhd.BaseDataOffset, math.MaxInt64/4)), true
	case tfhd.DefaultBaseIfMoof():
		return p.at, false
	}
	return p.data, false
}

func (p *fragmentParser) readDefaults(tfhd *mp4.TfhdBox) trackRun {
	d := &p.track.defaults
	r := trackRun{
		duration: d.DefaultSampleDuration, size: d.DefaultSampleSize, sampleFlags: d.DefaultSampleFlags,
		desc: int(d.DefaultSampleDescriptionIndex) - 1,
	}
	if tfhd.HasDefaultSampleDuration() {
		r.duration = tfhd.DefaultSampleDuration
	}
	if tfhd.HasDefaultSampleSize() {
		r.size = tfhd.DefaultSampleSize
	}
	if tfhd.HasDefaultSampleFlags() {
		r.sampleFlags = tfhd.DefaultSampleFlags
	}
	if tfhd.HasSampleDescriptionIndex() {
		r.desc = int(tfhd.SampleDescriptionIndex) - 1
	}
	return r
}

func (p *fragmentParser) decodeTime(traf box) int64 {
	if b, ok := traf.findBox("tfdt"); ok {
		if tfdt, err := decodeLeaf[*mp4.TfdtBox](b); err == nil {
			return int64(min(tfdt.BaseMediaDecodeTime(), maxTime))
		}
	}
	return p.dts
}

// readTrun returns r with the entries of a trun box.
func (r trackRun) readTrun(body []byte) (_ trackRun, offset int32, hasOffset bool, err error) {
	const head = 8 // version, flags, sample_count
	if len(body) < head {
		return r, 0, false, errShortRun
	}

	r.flags, r.count = binary.BigEndian.Uint32(body)&0xffffff, int64(binary.BigEndian.Uint32(body[4:]))
	body = body[head:]

	field := func() (v uint32) {
		if len(body) < 4 {
			err = errShortRun
			return 0
		}
		v, body = binary.BigEndian.Uint32(body), body[4:]
		return v
	}

	if hasOffset = r.flags&mp4.TrunDataOffsetPresentFlag != 0; hasOffset {
		offset = int32(field())
	}
	if r.hasFirst = r.flags&mp4.TrunFirstSampleFlagsPresentFlag != 0; r.hasFirst {
		r.firstFlags = field()
	}

	for bit := mp4.TrunSampleDurationPresentFlag; bit <= mp4.TrunSampleCompositionTimeOffsetPresentFlag; bit <<= 1 {
		if r.flags&bit != 0 {
			r.stride += 4
		}
	}
	r.list = body

	switch {
	case r.stride == 0 && r.count > maxPlain, int64(len(body)) < r.count*int64(r.stride):
		err = errShortRun
	}
	return r, offset, hasOffset, err
}

var errShortRun = fmt.Errorf("%w: trun box is shorter than its samples", keyframe.ErrCorrupt)

// readFields returns the four values of the sample at index.
func (r *trackRun) readFields(index int64) (duration, size, flags uint32, offset int32) {
	duration, size, flags = r.duration, r.size, r.sampleFlags
	if index == 0 && r.hasFirst {
		flags = r.firstFlags
	}

	entry := r.list[int(index)*r.stride:]
	take := func(bit uint32, v *uint32) {
		if r.flags&bit != 0 {
			*v, entry = binary.BigEndian.Uint32(entry), entry[4:]
		}
	}

	var composition uint32
	take(mp4.TrunSampleDurationPresentFlag, &duration)
	take(mp4.TrunSampleSizePresentFlag, &size)
	take(mp4.TrunSampleFlagsPresentFlag, &flags)
	take(mp4.TrunSampleCompositionTimeOffsetPresentFlag, &composition)
	return duration, size, flags, int32(composition)
}

// sumSamples returns the total of all samples of r.
func (r *trackRun) sumSamples() (size, duration int64) {
	const each = mp4.TrunSampleDurationPresentFlag | mp4.TrunSampleSizePresentFlag
	if r.flags&each == 0 {
		return r.count * int64(r.size), r.count * int64(r.duration)
	}
	for i := range r.count {
		d, s, _, _ := r.readFields(i)
		size, duration = size+int64(s), duration+int64(d)
	}
	return size, duration
}

func (f *fragment) next(all bool) (s sample, ok bool) {
	for len(f.runs) > 0 {
		r := &f.runs[0]
		for r.index < r.count {
			duration, size, flags, composition := r.readFields(r.index)
			s = sample{
				number: f.number, off: r.off, size: int64(size), pts: r.pts + int64(composition),
				sync: !mp4.DecodeSampleFlags(flags).SampleIsNonSync, desc: r.desc,
				hidden: r.aux != nil, aux: r.aux, entry: r.entry + int(r.index),
			}
			r.off, r.pts = r.off+int64(size), r.pts+int64(duration)
			f.number++
			r.index++
			switch {
			case size == 0:
			case s.sync || all:
				return s, true
			default:
				f.skipped = true
			}
		}
		f.runs = f.runs[1:]
	}
	return s, false
}
