package keyframe

import "bytes"

// isDamaged reports whether a keyframe is certainly damaged, though nothing was lost on
// the way: a slice holds bytes that no encoder writes, or is not whole. What is not known
// to be damaged may still be.
func isDamaged(f *Frame) bool {
	for nal := range AnnexB(f.Data) {
		if f.Codec.IsSlice(nal) && holdsForbiddenBytes(nal) {
			return true
		}
	}
	return f.Codec == H265 && isDamaged265(f.Data)
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
