package keyframe

import (
	"bytes"
	"slices"
)

// beginUnit265 applies ISO/IEC 23008-2 7.4.2.4.4: which NAL unit types begin an
// access unit. Layers above the base are not read.
func (a *Assembler) beginUnit265(head []byte) (*Frame, fate) {
	if len(head) < 3 || int(head[0]&1)<<5|int(head[1]>>3) != 0 {
		return nil, toNothing
	}

	switch t := H265.nalType(head); {
	case t <= nal265LastVCL:
		return a.takeSlice265(head, t)
	case (t >= nal265VPS && t <= nal265PPS) || t == nal265PrefixSEI:
		// They begin an access unit, unless an encoder repeats them before each slice.
		return nil, toStore
	case t == nal265SuffixSEI:
		if a.cur.begun && a.cur.wanted {
			return nil, toPicture
		}
	case t == nal265AUD || t == nal265EOS || t == nal265EOB ||
		(t >= nal265Reserved41 && t <= nal265Reserved44) || (t >= nal265Unspecified && t <= nal265Unspec55):
		return a.endPicture(), toNothing
	case t == nal265RPU:
		a.takeRPU(head)
	}
	return nil, toNothing
}

func (a *Assembler) takeSlice265(head []byte, nalType int) (f *Frame, _ fate) {
	s, ok := parseSlice265(head, nalType, &a.sets265)
	c := &a.cur

	switch {
	case !ok:
		a.Lose()
		return nil, toNothing
	case s.first:
		f = a.finishPicture()
		a.startPicture265(&s, kind265(nalType))
	case !c.begun:
		return nil, toNothing // the tail of a picture whose head was lost
	}

	if !c.wanted {
		a.dropPrefix()
		return f, toNothing
	}

	if s.pps == nil || s.sps == nil {
		c.dropBytes()
		return f, toNothing
	}
	c.addSet(s.pps.storedSet)
	c.appendBytes(a.prefix)
	a.dropPrefix()
	return f, toPicture
}

// startPicture265 makes s the first slice segment of the current picture.
func (a *Assembler) startPicture265(s *slice265, kind Kind) {
	c := &a.cur
	c.reset()
	c.begun, c.count, c.pts = true, 1, a.nextPTS
	a.nextPTS = NoPTS

	switch {
	case kind == UnknownKind && !a.all:
	case s.sps == nil || a.sets265.vps[s.sps.vpsID] == nil: // decoders want the VPS too
		if kind != UnknownKind {
			a.unresolved++
		}
	default:
		c.kind, c.wanted, c.info = kind, true, s.sps.info
		a.orientPicture(&c.info, kind == IDR || kind == BLA)
		c.setsBefore = a.sets265.stored
		c.addSet(*a.sets265.vps[s.sps.vpsID])
		c.addSet(s.sps.storedSet)
		return
	}
	a.dropPrefix()
}

// storeSet stores a parameter set, and reports whether nalu has such a type.
func (s *sets265) storeSet(nalu []byte) bool {
	switch H265.nalType(nalu) {
	case nal265VPS:
		id, err := parseVPS265(nalu)
		if err != nil {
			return true
		}
		if old := s.vps[id]; old == nil || !bytes.Equal(old.raw, nalu) {
			s.vps[id] = s.newSet(nalu)
		}
	case nal265SPS:
		for _, old := range s.sps {
			if old != nil && bytes.Equal(old.raw, nalu) {
				return true
			}
		}
		if sps, err := parseSPS265(nalu); err == nil {
			sps.storedSet = *s.newSet(nalu)
			s.sps[sps.id] = sps
		}
	case nal265PPS:
		id, spsID, err := parsePPS265(nalu)
		if err != nil {
			return true
		}
		if old := s.pps[id]; old == nil || !bytes.Equal(old.raw, nalu) {
			s.pps[id] = &pps265{storedSet: *s.newSet(nalu), spsID: spsID}
		}
	default:
		return false
	}
	return true
}

// newSet returns a copy of nalu as the set that came last.
func (s *sets265) newSet(nalu []byte) *storedSet {
	s.stored++
	return &storedSet{raw: slices.Clone(nalu), number: s.stored - 1}
}

// kind265 maps a VCL NAL unit type to the kind of random access picture.
func kind265(nalType int) Kind {
	switch {
	case nalType >= nal265BLAWLP && nalType <= nal265BLANLP:
		return BLA
	case nalType == nal265IDRWRADL || nalType == nal265IDRNLP:
		return IDR
	case nalType == nal265CRA:
		return CRA
	}
	return UnknownKind
}

// slice265 is the beginning of a slice segment header (7.3.6.1).
type slice265 struct {
	first bool // first_slice_segment_in_pic_flag
	pps   *pps265
	sps   *sps265
}

type pps265 struct {
	storedSet
	spsID int
}

// parseSlice265 reads the beginning of a slice segment. ok is false if it is
// damaged. The parameter sets are nil if they are missing.
func parseSlice265(nalu []byte, nalType int, sets *sets265) (s slice265, ok bool) {
	var rbsp [16]byte // one flag, one flag, and an Exp-Golomb code of at most 13 bits
	r := bitReader{data: AppendRBSP(rbsp[:0], nalu[2:min(len(nalu), 2+len(rbsp))])}

	s.first = r.readFlag()
	if nalType >= nal265BLAWLP && nalType <= nal265LastIRAP {
		r.readFlag() // no_output_of_prior_pics_flag
	}
	if s.pps = sets.pps[r.readUEUpTo(maxPPSID265)]; s.pps != nil {
		s.sps = sets.sps[s.pps.spsID]
	}
	return s, !r.bad
}

// sets265 holds the parameter sets seen so far, by their ids.
type sets265 struct {
	vps [maxVPSID265 + 1]*storedSet
	sps [maxSPSID265 + 1]*sps265
	pps [maxPPSID265 + 1]*pps265

	stored int // how many were stored
}
