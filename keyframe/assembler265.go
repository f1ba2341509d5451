package keyframe

import (
	"bytes"
	"slices"
)

// begin265 applies ISO/IEC 23008-2 7.4.2.4.4: which NAL unit types begin an
// access unit. Layers above the base are not read.
func (a *Assembler) begin265(head []byte) (*Frame, fate) {
	if len(head) < 3 || int(head[0]&1)<<5|int(head[1]>>3) != 0 {
		return nil, toNothing
	}
	switch t := int(head[0] >> 1); {
	case t <= nal265LastVCL:
		return a.slice265(head, t)
	case t >= nal265VPS && t <= nal265PPS || t == nal265PrefixSEI:
		a.synced = true
		return a.endPicture(), toStore
	case t == nal265SuffixSEI:
		if a.cur.begun && a.cur.wanted {
			return nil, toPicture
		}
	case t == nal265AUD || t == nal265EOS || t == nal265EOB ||
		t >= nal265Reserved41 && t <= nal265Reserved44 || t >= nal265Unspecified && t <= nal265Unspec55:
		a.synced = true
		return a.endPicture(), toNothing
	}
	return nil, toNothing
}

func (a *Assembler) slice265(head []byte, nalType int) (f *Frame, _ fate) {
	s, ok := parseSlice265(head, nalType, &a.sets265)
	c := &a.cur
	switch {
	case !ok:
		a.Lose()
		return nil, toNothing
	case s.first:
		f = a.finish()
		a.start265(&s, kind265(nalType))
	case !c.begun:
		return nil, toNothing // the tail of a picture whose head was lost
	}
	a.synced = true
	if !c.wanted {
		return f, toNothing
	}
	if s.pps == nil || s.sps == nil {
		c.refuse()
		return f, toNothing
	}
	c.refer(s.pps.raw)
	return f, toPicture
}

// start265 makes s the first slice segment of the current picture.
func (a *Assembler) start265(s *slice265, kind Kind) {
	c := &a.cur
	c.reset()
	c.begun, c.count, c.pts = true, 1, a.nextPTS
	a.nextPTS = NoPTS
	switch {
	case kind == UnknownKind && !c.every:
	case s.sps == nil || a.sets265.vps[s.sps.vpsID] == nil: // decoders want the VPS too
		if kind != UnknownKind {
			a.unresolved++
		}
	default:
		c.kind, c.wanted, c.info = kind, true, s.sps.info
		a.orient(&c.info, kind == IDR || kind == BLA)
		c.refer(a.sets265.vps[s.sps.vpsID])
		c.refer(s.sps.raw)
		c.write(a.prefix)
	}
	a.dropPrefix()
}

// store takes a parameter set in and says whether nalu is of such a type.
func (s *sets265) store(nalu []byte) bool {
	switch nalu[0] >> 1 & 0x3f {
	case nal265VPS:
		if len(nalu) > 2 {
			id := nalu[2] >> 4
			s.vps[id] = keep(s.vps[id], nalu)
		}
	case nal265SPS:
		for _, old := range s.sps {
			if old != nil && bytes.Equal(old.raw, nalu) {
				return true
			}
		}
		if sps, err := parseSPS265(slices.Clone(nalu)); err == nil {
			s.sps[sps.id] = sps
		}
	case nal265PPS:
		id, spsID, err := parsePPS265(nalu)
		if err != nil {
			return true
		}
		if old := s.pps[id]; old == nil || !bytes.Equal(old.raw, nalu) {
			s.pps[id] = &pps265{raw: slices.Clone(nalu), id: id, spsID: spsID}
		}
	default:
		return false
	}
	return true
}

// keep returns old where nalu repeats it, else a copy of nalu.
func keep(old, nalu []byte) []byte {
	if bytes.Equal(old, nalu) {
		return old
	}
	return slices.Clone(nalu)
}
