package keyframe

import "bytes"

// isDamaged is the function isDamaged where the slices can be read.
func (a *Assembler) isDamaged(f *Frame) bool { return !a.encrypted && isDamaged(f) }

// maxFollowed is how many luma samples a picture may have for its slices to be followed:
// those of level 6.2 (ISO/IEC 14496-10 table A-1, ISO/IEC 23008-2 table A.8). It bounds
// the memory that a parameter set of 30 bytes can ask for.
const maxFollowed = 35_651_584

// isDamaged reports whether a keyframe is certainly damaged, though nothing was lost on
// the way: a slice holds bytes that no encoder writes, or is not whole. What is not known
// to be damaged may still be.
func isDamaged(f *Frame) bool {
	for nal := range AnnexB(f.Data) {
		if f.Codec.IsSlice(nal) && holdsForbiddenBytes(nal) {
			return true
		}
	}
	switch {
	case f.Info.CodedWidth*f.Info.CodedHeight > maxFollowed:
		return false
	case f.Codec == H265:
		return isDamaged265(f.Data)
	}
	return isDamaged264(f.Data)
}

// holdsForbiddenBytes reports whether a NAL unit lacks emulation prevention: 00 00 00, 00
// 00 01 and 00 00 02 do not occur in one, and 00 00 03 only before 00 to 03 and at the
// end (ISO/IEC 14496-10 7.4.1, ISO/IEC 23008-2 7.4.2.1).
func holdsForbiddenBytes(nal []byte) bool {
	zeros := []byte{0, 0}
	for {
		at := bytes.Index(nal, zeros)
		if at < 0 || at+2 >= len(nal) {
			return false
		}
		if b := nal[at+2]; b < 3 || (b == 3 && at+3 < len(nal) && nal[at+3] > 3) {
			return true
		}
		nal = nal[at+1:]
	}
}

// isDamaged265 reports whether an all-intra picture of H.265, an Annex B byte stream
// with its parameter sets, is certainly damaged: a set cannot be read to its end, or a
// slice ends before or after its data, is missing, or says what no encoder may.
func isDamaged265(data []byte) bool {
	var sps, pps []byte
	var r *reader265
	for nal := range AnnexB(data) {
		switch t := H265.nalType(nal); {
		case t == nal265SPS:
			sps = nal
		case t == nal265PPS:
			pps = nal
		case t <= nal265LastVCL:
			if r == nil {
				c := parseCoding265(sps, pps)
				if c == nil || c.unreadable {
					return c == nil
				}
				r = newReader265(c)
			}
			if !r.readSlice(nal) {
				return true
			}
		}
	}
	return r != nil && !r.isCovered()
}

// isDamaged264 is isDamaged265 for H.264 without macroblock-adaptive fields. CAVLC shows
// less than CABAC: it may fall into step again after an error.
func isDamaged264(data []byte) bool {
	var sets sets264
	var r reader264
	bottom := false
	for nal := range AnnexB(data) {
		t := H264.nalType(nal)
		if sets.storeSet(nal) || (t != nal264Slice && t != nal264IDR) {
			continue
		}

		rbsp := AppendRBSP(nil, nal[1:])
		header := &bitReader{data: rbsp}
		var s slice264
		if ok := s.parse(header, nal[0], &sets); !ok || s.unresolved || !s.intra {
			return false // the second field may be predicted
		}
		if s.redundant {
			continue
		}

		switch {
		case r == nil:
			if r = newReader264(s.sps, s.pps); r == nil {
				return false
			}
			r.startPicture(s.field)
		case s.field && s.bottom != bottom:
			if !r.isCovered() {
				return true
			}
			r.startPicture(true)
		}
		bottom = s.bottom
		qp, ok := s.parseRest(header)
		if !ok || !r.readSlice(&s, header, qp) {
			return true
		}
	}
	return r != nil && !r.isCovered()
}

// parseRest reads the header of an I slice from after redundant_pic_cnt on, and returns
// SliceQPY. ok is false if it is damaged.
func (s *slice264) parseRest(r *bitReader) (qp int, ok bool) {
	if s.reference {
		s.skipMarking(r)
	}
	qp = s.pps.initQP + int(r.readSE())
	if s.pps.deblocking && r.readUEUpTo(2) != 1 { // disable_deblocking_filter_idc
		r.readSEWithin(-6, 6)
		r.readSEWithin(-6, 6)
	}
	return qp, !r.bad && qp <= 51
}

// skipMarking skips dec_ref_pic_marking (7.3.3.3).
func (s *slice264) skipMarking(r *bitReader) {
	if s.idr {
		r.readBits(2)
		return
	}
	if !r.readFlag() { // adaptive_ref_pic_marking_mode_flag
		return
	}
	for !r.bad {
		switch r.readUEUpTo(6) { // memory_management_control_operation
		case 0:
			return
		case 3:
			r.readUE()
			r.readUE()
		case 1, 2, 4, 6:
			r.readUE()
		}
	}
}
