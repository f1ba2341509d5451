package keyframe

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
	raw       []byte
	id, spsID int
}

// parseSlice265 reads the beginning of a slice segment; ok is false where it is
// damaged. The parameter sets are nil where they are missing.
func parseSlice265(nalu []byte, nalType int, sets *sets265) (s slice265, ok bool) {
	var rbsp [16]byte // one flag, one flag, and an Exp-Golomb code of at most 13 bits
	r := bitReader{data: AppendRBSP(rbsp[:0], nalu[2:min(len(nalu), 2+len(rbsp))])}
	s.first = r.flag()
	if nalType >= nal265BLAWLP && nalType <= nal265LastIRAP {
		r.flag() // no_output_of_prior_pics_flag
	}
	if s.pps = sets.pps[r.upTo(maxPPSID265)]; s.pps != nil {
		s.sps = sets.sps[s.pps.spsID]
	}
	return s, !r.bad
}

// sets265 holds the parameter sets seen so far, by their ids.
type sets265 struct {
	vps [maxVPSID265 + 1][]byte
	sps [maxSPSID265 + 1]*sps265
	pps [maxPPSID265 + 1]*pps265
}
