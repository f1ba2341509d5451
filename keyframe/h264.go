package keyframe

import (
	"bytes"
	"fmt"
	"slices"
)

// beginUnit264 applies ISO/IEC 14496-10 7.4.1.2.3: which NAL unit types begin an
// access unit. The prefix NAL unit (14) is not among them here, because it precedes
// every slice of a base layer (G.7.3.2.12.1), also within a picture.
func (a *Assembler) beginUnit264(head []byte) (*Frame, fate) {
	switch t := H264.nalType(head); {
	case t == nal264Slice || t == nal264IDR:
		return a.takeSlice264(head)
	case t >= nal264PartitionA && t <= nal264PartitionC:
		// No random access picture has data partitions (Extended profile).
		a.gap = true
		return a.finishPicture(), toNothing
	case t == nal264SEI || t == nal264SPS || t == nal264PPS:
		// They begin an access unit. But some encoders repeat them before each slice
		// of a picture: only the next slice shows which it is.
		a.synced = a.synced || !a.headless
		a.cur.paused = true
		return nil, toStore
	case t == nal264AUD || (t >= nal264SubsetSPS && t <= nal264Reserved18):
		a.markAccessUnit()
		return a.endPicture(), toNothing
	case t == nal264EndOfSequence || t == nal264EndOfStream:
		return a.endPicture(), toNothing
	}
	return nil, toNothing
}

func (a *Assembler) takeSlice264(head []byte) (f *Frame, _ fate) {
	s, ok := parseSlice264(head, &a.sets264)
	switch {
	case !ok:
		a.Lose()
		return nil, toNothing
	case s.unresolved:
		f = a.finishPicture()
		a.cur.reset()
		a.dropPrefix()
		a.gap = true
		if s.idr {
			a.unresolved++
		} else {
			a.pictures++
		}
		return f, toNothing
	case s.redundant:
		return nil, toNothing
	case !a.synced && s.firstMb != 0:
		return nil, toNothing // the tail of a picture whose head was lost
	}

	a.markAccessUnit()
	c := &a.cur
	switch {
	case c.isContinuedBy(&s):
	case c.begun && !c.second && s.isSecondFieldOf(&c.last):
		c.second, c.ended, c.sawFirstMb = true, false, false
	default:
		f = a.finishPicture()
		a.startPicture264(&s)
		if f == nil && c.kind == Intra && a.fallback.wanted {
			// No IDR picture came between two all-intra ones: none is to be expected.
			f = a.takeFallback()
			a.lone = true
		}
	}
	return f, a.addSlice264(&s)
}

// isContinuedBy reports whether s is one more slice of p. A second macroblock 0
// shows another picture of an encoder that repeats idr_pic_id: no legal picture has
// two. After a pause, the slices must also go on downwards.
func (p *picture) isContinuedBy(s *slice264) bool {
	repeated := s.firstMb == 0 && p.sawFirstMb
	upwards := p.paused && s.firstMb <= p.last.firstMb
	if (repeated || upwards) && !s.sps.separateColourPlanes {
		return false
	}
	return p.begun && !p.ended && !s.startsPictureAfter(&p.last)
}

// startPicture264 makes s the first slice of the current picture.
func (a *Assembler) startPicture264(s *slice264) {
	kind := UnknownKind
	switch {
	case s.idr:
		kind = IDR
	case s.intra && a.recovery >= 0:
		kind = RecoveryPoint
	case a.recovery > 0 && !s.field:
		kind = GradualRefresh
	case s.intra:
		kind = Intra
	}

	c := &a.cur
	if c.run && s.sps == c.last.sps && kind != IDR && kind != RecoveryPoint {
		c.run = false
	} else {
		c.reset()
		c.kind, c.wanted = kind, kind != UnknownKind || a.all
		c.recovery, c.startNum = a.recovery, s.frameNum
		c.info = s.sps.info
		a.orientPicture(&c.info, kind == IDR)
	}

	c.pts, a.nextPTS = a.nextPTS, NoPTS
	c.begun, c.sawFirstMb = true, false
	c.count++
	if len(c.au) == 0 {
		c.setsBefore = a.sets264.stored
	}
}

// addSlice264 adds s to the current picture and decides whether to keep its bytes.
func (a *Assembler) addSlice264(s *slice264) fate {
	p := &a.cur
	defer a.dropPrefix()
	p.last, p.paused = *s, false
	p.reference = p.reference || s.reference
	p.sawFirstMb = p.sawFirstMb || s.firstMb == 0

	if !s.intra && !p.second && (p.kind == Intra || p.kind == RecoveryPoint) {
		// Not all intra after all: a gradual refresh, or no random access picture.
		switch {
		case p.kind == RecoveryPoint && p.recovery > 0:
			p.kind = GradualRefresh
		case a.all:
			p.kind = UnknownKind
		default:
			p.dropBytes()
		}
	}

	if !p.wanted {
		return toNothing
	}
	p.addSet(s.sps.storedSet)
	p.addSet(s.pps.storedSet)
	p.appendBytes(a.prefix)
	return toPicture
}

// isRefreshed reports whether the picture that has just ended is the reference
// picture that the recovery point SEI promised (D.2.8).
func (p *picture) isRefreshed() bool {
	after := (p.last.frameNum - p.startNum) & (1<<p.last.sps.log2MaxFrameNum - 1)
	return p.last.reference && int(after) >= p.recovery
}

// storeSet stores a parameter set, and reports whether nalu has such a type. A
// damaged one leaves the one before in force; one that repeats it changes nothing.
func (s *sets264) storeSet(nalu []byte) bool {
	switch H264.nalType(nalu) {
	case nal264SPS:
		for _, old := range s.sps {
			if old != nil && bytes.Equal(old.raw, nalu) {
				return true
			}
		}
		if sps, err := parseSPS264(slices.Clone(nalu)); err == nil {
			sps.number = s.stored
			s.stored++
			s.sps[sps.id] = sps
		}
	case nal264PPS:
		for _, old := range s.pps {
			if old != nil && bytes.Equal(old.raw, nalu) {
				return true
			}
		}
		if pps, err := parsePPS264(nalu); err == nil {
			pps.storedSet = storedSet{raw: slices.Clone(nalu), number: s.stored}
			s.stored++
			s.pps[pps.id] = pps
		}
	default:
		return false
	}
	return true
}

// pps264 is what a picture parameter set (7.3.2.2) says about slice headers.
type pps264 struct {
	storedSet
	id, spsID           int
	bottomFieldPicOrder bool // bottom_field_pic_order_in_frame_present_flag
	redundantPicCnt     bool // redundant_pic_cnt_present_flag

	// For slice data:
	cabac, transform8x8 bool
	groups              int // of slices
	initQP              int
	deblocking          bool // deblocking_filter_control_present_flag
}

func parsePPS264(nalu []byte) (*pps264, error) {
	r := &bitReader{data: AppendRBSP(nil, nalu[1:])}
	p := &pps264{}
	p.id = r.readUEUpTo(maxPPSID264)
	p.spsID = r.readUEUpTo(maxSPSID264)
	p.cabac = r.readFlag()
	p.bottomFieldPicOrder = r.readFlag()
	if p.groups = r.readUEUpTo(7) + 1; p.groups > 1 {
		skipSliceGroups(r, p.groups)
	}

	r.readUEUpTo(31)        // num_ref_idx_l0_default_active_minus1
	r.readUEUpTo(31)        // num_ref_idx_l1_default_active_minus1
	r.readFlag()            // weighted_pred_flag
	bipred := r.readBits(2) // weighted_bipred_idc
	p.initQP = 26 + r.readSEWithin(-26-maxQPBd, 25)
	r.readSEWithin(-26, 25)                   // pic_init_qs_minus26
	r.readSEWithin(-maxChromaQP, maxChromaQP) // chroma_qp_index_offset
	p.deblocking = r.readFlag()
	r.readFlag() // constrained_intra_pred_flag
	p.redundantPicCnt = r.readFlag()
	p.transform8x8 = r.pos < endOfRBSP(r.data)-1 && r.readFlag()

	if r.bad || bipred > 2 {
		return nil, fmt.Errorf("%w: picture parameter set ends too early or is out of bounds", ErrCorrupt)
	}
	return p, nil
}

// skipSliceGroups skips the map of flexible macroblock ordering.
func skipSliceGroups(r *bitReader, groups int) {
	switch mapType := r.readUEUpTo(6); mapType {
	case 0:
		for range groups {
			r.readUE() // run_length_minus1
		}
	case 2:
		for range groups - 1 {
			r.readUE() // top_left
			r.readUE() // bottom_right
		}
	case 3, 4, 5:
		r.readFlag() // slice_group_change_direction_flag
		r.readUE()   // slice_group_change_rate_minus1
	case 6:
		width := 0 // Ceil(Log2(groups))
		for 1<<width < groups {
			width++
		}
		r.skipBits((r.readUEUpTo(maxMbsPerFrame-1) + 1) * width)
	}
}

// slice264 is the part of a slice header (7.3.3) that distinguishes one picture
// from the next, and random access pictures from others.
type slice264 struct {
	sps *sps264
	pps *pps264

	idr        bool
	reference  bool // nal_ref_idc is not 0
	firstMb    uint32
	intra      bool // I or SI
	frameNum   uint32
	field      bool
	bottom     bool
	idrPicID   uint32
	pocLsb     uint32
	deltaPOC   [2]int32 // delta_pic_order_cnt_bottom is the second
	redundant  bool     // redundant_pic_cnt > 0
	unresolved bool     // the parameter sets are missing; only idr, reference, firstMb and intra are set
}

// sliceHeadBytes is enough for the longest prefix of a slice header up to
// redundant_pic_cnt: some 40 bytes of maximal codes, with emulation prevention.
const sliceHeadBytes = 64

// parseSlice264 reads the head of a slice. ok is false if it is damaged.
func parseSlice264(nalu []byte, sets *sets264) (s slice264, ok bool) {
	var rbsp [sliceHeadBytes]byte
	head := nalu[:min(len(nalu), sliceHeadBytes)]
	ok = s.parse(&bitReader{data: AppendRBSP(rbsp[:0], head[1:])}, head[0], sets)
	return s, ok
}

// parse reads the slice header from its RBSP up to redundant_pic_cnt. It returns false if
// that is damaged.
func (s *slice264) parse(r *bitReader, header byte, sets *sets264) bool {
	s.idr = header&0x1f == nal264IDR
	s.reference = header&0x60 != 0
	s.firstMb = r.readUE()
	sliceType := r.readUEUpTo(9) % 5
	s.intra = sliceType == 2 || sliceType == 4
	s.pps = sets.pps[r.readUEUpTo(maxPPSID264)]
	if r.bad {
		return false
	}

	if s.pps == nil || sets.sps[s.pps.spsID] == nil {
		s.unresolved = true
		return true
	}
	s.sps = sets.sps[s.pps.spsID]
	s.parsePictureFields(r)
	return !r.bad
}

func (s *slice264) parsePictureFields(r *bitReader) {
	if s.sps.separateColourPlanes {
		r.readBits(2)
	}
	s.frameNum = r.readBits(s.sps.log2MaxFrameNum)
	if !s.sps.frameMbsOnly {
		if s.field = r.readFlag(); s.field {
			s.bottom = r.readFlag()
		}
	}

	if s.idr {
		s.idrPicID = r.readUE()
	}

	switch {
	case s.sps.pocType == 0:
		s.pocLsb = r.readBits(s.sps.log2MaxPOCLsb)
		if s.pps.bottomFieldPicOrder && !s.field {
			s.deltaPOC[1] = r.readSE()
		}
	case s.sps.pocType == 1 && !s.sps.deltaPicOrderAlwaysZero:
		s.deltaPOC[0] = r.readSE()
		if s.pps.bottomFieldPicOrder && !s.field {
			s.deltaPOC[1] = r.readSE()
		}
	}

	if s.pps.redundantPicCnt {
		s.redundant = r.readUE() > 0
	}
}

// startsPictureAfter reports whether s, coming after last, is the first slice of
// another primary coded picture (ISO/IEC 14496-10 7.4.1.2.4).
func (s *slice264) startsPictureAfter(last *slice264) bool {
	return s.frameNum != last.frameNum ||
		s.pps.id != last.pps.id ||
		s.sps != last.sps ||
		s.field != last.field ||
		s.bottom != last.bottom ||
		s.reference != last.reference ||
		s.idr != last.idr ||
		s.idrPicID != last.idrPicID ||
		s.pocLsb != last.pocLsb ||
		s.deltaPOC != last.deltaPOC
}

// isSecondFieldOf reports whether s begins the second field of the frame whose first
// field has the slice first (3.30, complementary reference field pair).
func (s *slice264) isSecondFieldOf(first *slice264) bool {
	return s.field && first.field && s.bottom != first.bottom &&
		s.frameNum == first.frameNum && s.sps == first.sps &&
		(!s.idr || first.idr)
}

// sets264 holds the parameter sets seen so far, by their ids.
type sets264 struct {
	sps [maxSPSID264 + 1]*sps264
	pps [maxPPSID264 + 1]*pps264

	stored int // how many were stored
}
