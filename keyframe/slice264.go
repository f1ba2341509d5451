package keyframe

import "fmt"

// pps264 is what a picture parameter set (7.3.2.2) tells about slice headers.
type pps264 struct {
	raw                 []byte
	id, spsID           int
	bottomFieldPicOrder bool // bottom_field_pic_order_in_frame_present_flag
	redundantPicCnt     bool // redundant_pic_cnt_present_flag
}

func parsePPS264(nalu []byte) (*pps264, error) {
	r := &bitReader{data: AppendRBSP(nil, nalu[1:])}
	p := &pps264{raw: nalu}
	p.id = r.upTo(maxPPSID264)
	p.spsID = r.upTo(maxSPSID264)
	r.flag() // entropy_coding_mode_flag
	p.bottomFieldPicOrder = r.flag()
	if groups := r.upTo(7) + 1; groups > 1 {
		skipSliceGroups(r, groups)
	}
	r.ue()    // num_ref_idx_l0_default_active_minus1
	r.ue()    // num_ref_idx_l1_default_active_minus1
	r.bits(3) // weighted_pred_flag, weighted_bipred_idc
	r.se()    // pic_init_qp_minus26
	r.se()    // pic_init_qs_minus26
	r.se()    // chroma_qp_index_offset
	r.bits(2) // deblocking_filter_control_present_flag, constrained_intra_pred_flag
	p.redundantPicCnt = r.flag()
	if r.bad {
		return nil, fmt.Errorf("%w: picture parameter set ends too early", ErrCorrupt)
	}
	return p, nil
}

// skipSliceGroups reads over the map of flexible macroblock ordering.
func skipSliceGroups(r *bitReader, groups int) {
	switch mapType := r.upTo(6); mapType {
	case 0:
		for range groups {
			r.ue() // run_length_minus1
		}
	case 2:
		for range groups - 1 {
			r.ue() // top_left
			r.ue() // bottom_right
		}
	case 3, 4, 5:
		r.flag() // slice_group_change_direction_flag
		r.ue()   // slice_group_change_rate_minus1
	case 6:
		width := 0 // Ceil(Log2(groups))
		for 1<<width < groups {
			width++
		}
		r.skip((r.upTo(maxMbsPerFrame-1) + 1) * width)
	}
}

// slice264 is the part of a slice header (7.3.3) that tells one picture from
// the next, and a picture to start from from others.
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
	deltaPOC   [2]int32 // delta_pic_order_cnt_bottom stands in the second
	redundant  bool     // redundant_pic_cnt > 0
	unresolved bool     // the parameter sets are missing; only firstMb and intra are set
}

// sliceHeadBytes is enough for the longest prefix of a slice header up to
// redundant_pic_cnt: some 40 bytes of maximal codes, with emulation prevention.
const sliceHeadBytes = 64

// parseSlice264 reads the head of a slice; ok is false where it is damaged.
func parseSlice264(nalu []byte, sets *sets264) (s slice264, ok bool) {
	var rbsp [sliceHeadBytes]byte
	head := nalu[:min(len(nalu), sliceHeadBytes)]
	r := bitReader{data: AppendRBSP(rbsp[:0], head[1:])}
	s.idr = head[0]&0x1f == nal264IDR
	s.reference = head[0]&0x60 != 0
	s.firstMb = r.ue()
	sliceType := r.upTo(9) % 5
	s.intra = sliceType == 2 || sliceType == 4
	s.pps = sets.pps[r.upTo(maxPPSID264)]
	if r.bad {
		return s, false
	}
	if s.pps == nil || sets.sps[s.pps.spsID] == nil {
		s.unresolved = true
		return s, true
	}
	s.sps = sets.sps[s.pps.spsID]
	s.picture(&r)
	return s, !r.bad
}

func (s *slice264) picture(r *bitReader) {
	if s.sps.separateColourPlanes {
		r.bits(2)
	}
	s.frameNum = r.bits(s.sps.log2MaxFrameNum)
	if !s.sps.frameMbsOnly {
		if s.field = r.flag(); s.field {
			s.bottom = r.flag()
		}
	}
	if s.idr {
		s.idrPicID = r.ue()
	}
	switch {
	case s.sps.pocType == 0:
		s.pocLsb = r.bits(s.sps.log2MaxPOCLsb)
		if s.pps.bottomFieldPicOrder && !s.field {
			s.deltaPOC[1] = r.se()
		}
	case s.sps.pocType == 1 && !s.sps.deltaPicOrderAlwaysZero:
		s.deltaPOC[0] = r.se()
		if s.pps.bottomFieldPicOrder && !s.field {
			s.deltaPOC[1] = r.se()
		}
	}
	if s.pps.redundantPicCnt {
		s.redundant = r.ue() > 0
	}
}

// startsPicture says whether s, coming after last, is the first slice of another
// primary coded picture (ISO/IEC 14496-10 7.4.1.2.4).
func (s *slice264) startsPicture(last *slice264) bool {
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

// completes says whether s begins the second field of the frame whose first
// field is that of the slice first (3.30, complementary reference field pair).
func (s *slice264) completes(first *slice264) bool {
	return s.field && first.field && s.bottom != first.bottom &&
		s.frameNum == first.frameNum && s.sps == first.sps &&
		(!s.idr || first.idr)
}

// sets264 holds the parameter sets seen so far, by their ids.
type sets264 struct {
	sps [maxSPSID264 + 1]*sps264
	pps [maxPPSID264 + 1]*pps264
}
