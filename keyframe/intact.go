package keyframe

// isDamaged reports whether a keyframe is certainly damaged, though nothing was lost on
// the way: its slices are not whole. What is not known to be damaged may still be.
func isDamaged(f *Frame) bool {
	return f.Codec == H265 && isDamaged265(f.Data)
}

// isDamaged265 reports whether an all-intra picture of H.265, an Annex B byte stream
// with its parameter sets, is certainly damaged: a slice ends before or after its
// data, is missing, or says what no encoder may.
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
					return false
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
