package keyframe

// ISO/IEC 23091-2 code points of Dolby Vision profile 5.
const (
	bt2020Primaries = 9
	pqTransfer      = 16
	iptMatrix       = 15 // IPT-PQ-C2, SMPTE ST 2128
)

// takeRPU gives the current picture its real colours if its parameter sets leave them
// out. The reference processing unit of Dolby Vision follows the last slice.
func (a *Assembler) takeRPU(nalu []byte) {
	c := &a.cur
	if !c.begun || !c.wanted || !isProfile5(nalu) {
		return
	}
	c.info.Primaries, c.info.Transfer, c.info.Matrix = bt2020Primaries, pqTransfer, iptMatrix
}

// isProfile5 reports whether a reference processing unit (ETSI GS CCM 001 5.3.2) is one
// of Dolby Vision profile 5: no other profile has the number 0 in it and a base layer of
// full range. The pictures of the other profiles are HDR10, HLG or SDR, as their
// parameter sets say.
func isProfile5(nalu []byte) bool {
	const (
		prefix      = 25
		pictureRPU  = 2
		fixedPoint  = 0
		floatLength = 32
	)
	var rbsp [sliceHeadBytes]byte
	r := &bitReader{data: AppendRBSP(rbsp[:0], nalu[2:])}
	if r.readBits(8) != prefix || r.readBits(6) != pictureRPU {
		return false
	}
	r.skipBits(11) // rpu_format
	profile := r.readBits(4)
	r.skipBits(4) // vdr_rpu_level
	if sequenceInfo := r.readFlag(); !sequenceInfo {
		return false
	}

	r.skipBits(1) // chroma_resampling_explicit_filter_flag
	if r.readBits(2) == fixedPoint {
		r.readUE() // coefficient_log2_denom
	} else {
		r.skipBits(floatLength)
	}
	r.skipBits(2) // vdr_rpu_normalized_idc
	fullRange := r.readFlag()
	return profile == 0 && fullRange && !r.bad
}
