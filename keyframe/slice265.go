package keyframe

// NAL unit types of H.265 (ISO/IEC 23008-2 table 7-1).
const (
	nal265LastVCL     = 31
	nal265BLAWLP      = 16
	nal265BLANLP      = 18
	nal265IDRWRADL    = 19
	nal265IDRNLP      = 20
	nal265CRA         = 21
	nal265LastIRAP    = 23
	nal265VPS         = 32
	nal265SPS         = 33
	nal265PPS         = 34
	nal265AUD         = 35
	nal265EOS         = 36
	nal265EOB         = 37
	nal265Filler      = 38
	nal265PrefixSEI   = 39
	nal265SuffixSEI   = 40
	nal265Reserved41  = 41
	nal265Reserved44  = 44
	nal265Unspecified = 48
	nal265Unspec55    = 55
)

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
