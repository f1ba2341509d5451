package keyframe

import "fmt"

// sps264 is a sequence parameter set of H.264 (ISO/IEC 14496-10 7.3.2.1.1): what it
// says about pictures and about the syntax of their slice headers.
type sps264 struct {
	storedSet
	id int

	separateColourPlanes    bool
	log2MaxFrameNum         int
	pocType                 int
	log2MaxPOCLsb           int
	deltaPicOrderAlwaysZero bool
	frameMbsOnly            bool
	adaptive                bool // mb_adaptive_frame_field_flag
	chromaDepth             int  // bits of a chroma sample

	info Info
}

// Bounds of ISO/IEC 14496-10: seq_parameter_set_id and pic_parameter_set_id
// (7.4.2.1.1, 7.4.2.2), and the pictures of level 6.2, 139,264 macroblocks of
// whose longer side is at most the root of eight times as many (A.3.1). A picture
// with such sides and more macroblocks is read, so that it can be refused by its
// size.
const (
	maxSPSID264     = 31
	maxPPSID264     = 255
	maxMbsPerSide   = 1055
	maxMbsPerFrame  = 139264
	maxRefFramesPOC = 255 // num_ref_frames_in_pic_order_cnt_cycle
)

// Bounds of both codecs: QpBdOffset of 14 and 16 bits, and the chroma offsets.
const (
	maxQPBd     = 48
	maxChromaQP = 12
)

func parseSPS264(nalu []byte) (*sps264, error) {
	s, r, err := beginSPS264(nalu)
	if err == nil && r.readFlag() {
		parseVUI264(r, &s.info)
	}
	return s, err
}

// beginSPS264 leaves r at vui_parameters_present_flag.
func beginSPS264(nalu []byte) (*sps264, *bitReader, error) {
	if len(nalu) < 4 {
		return nil, nil, fmt.Errorf("%w: sequence parameter set of %d bytes", ErrCorrupt, len(nalu))
	}
	r := &bitReader{data: AppendRBSP(nil, nalu[1:])}
	s := &sps264{storedSet: storedSet{raw: nalu}}

	i := &s.info
	i.Primaries, i.Transfer, i.Matrix = Unspecified, Unspecified, Unspecified
	i.ProfileIDC = int(r.readBits(8))
	constraints := r.readBits(8)
	i.LevelIDC = int(r.readBits(8))
	i.Profile = profile264(i.ProfileIDC, constraints)

	s.id = r.readUEUpTo(maxSPSID264)
	s.parseChroma(r)
	s.log2MaxFrameNum = r.readUEUpTo(12) + 4
	s.parsePictureOrder(r)
	r.readUE()   // max_num_ref_frames
	r.readFlag() // gaps_in_frame_num_value_allowed_flag
	s.parseSize(r)
	if r.bad {
		return nil, nil, fmt.Errorf("%w: sequence parameter set ends too early or is out of bounds", ErrCorrupt)
	}
	return s, r, nil
}

// parseChroma reads the fields that only the High profiles have.
func (s *sps264) parseChroma(r *bitReader) {
	s.info.ChromaFormat, s.info.BitDepth, s.chromaDepth = 1, 8, 8
	switch s.info.ProfileIDC {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
	default:
		return
	}

	s.info.ChromaFormat = r.readUEUpTo(3)
	if s.info.ChromaFormat == 3 {
		s.separateColourPlanes = r.readFlag()
	}
	s.info.BitDepth = r.readUEUpTo(6) + 8
	s.chromaDepth = r.readUEUpTo(6) + 8
	r.readFlag() // qpprime_y_zero_transform_bypass_flag
	if !r.readFlag() {
		return
	}

	lists := 8
	if s.info.ChromaFormat == 3 {
		lists = 12
	}
	for n := range lists {
		if r.readFlag() {
			size := 16
			if n >= 6 {
				size = 64
			}
			skipScalingList264(r, size)
		}
	}
}

func skipScalingList264(r *bitReader, size int) {
	last, next := int32(8), int32(8)
	for range size {
		if next != 0 {
			next = (last + r.readSE() + 256) % 256
		}
		if next != 0 {
			last = next
		}
	}
}

func (s *sps264) parsePictureOrder(r *bitReader) {
	s.pocType = r.readUEUpTo(2)
	switch s.pocType {
	case 0:
		s.log2MaxPOCLsb = r.readUEUpTo(12) + 4
	case 1:
		s.deltaPicOrderAlwaysZero = r.readFlag()
		r.readSE() // offset_for_non_ref_pic
		r.readSE() // offset_for_top_to_bottom_field
		for range r.readUEUpTo(maxRefFramesPOC) {
			r.readSE() // offset_for_ref_frame
		}
	}
}

func (s *sps264) parseSize(r *bitReader) {
	i := &s.info
	mbWidth := r.readUEUpTo(maxMbsPerSide-1) + 1
	mapUnits := r.readUEUpTo(maxMbsPerSide-1) + 1
	s.frameMbsOnly = r.readFlag()
	i.Interlaced = !s.frameMbsOnly
	fields := 1
	if !s.frameMbsOnly {
		fields = 2
		s.adaptive = r.readFlag()
	}
	r.readFlag() // direct_8x8_inference_flag

	i.CodedWidth, i.CodedHeight = mbWidth*16, mapUnits*16*fields
	i.Width, i.Height = i.CodedWidth, i.CodedHeight
	if !r.readFlag() {
		return
	}

	// Crop units: ISO/IEC 14496-10 7.4.2.1.1, equations 7-19 to 7-22.
	unitX, unitY := 1, fields
	if i.ChromaFormat == 1 || i.ChromaFormat == 2 {
		unitX = 2
	}
	if i.ChromaFormat == 1 {
		unitY *= 2
	}
	parseCrop(r, i, unitX, unitY)
}

// parseCrop subtracts the cropping rectangle from the size. Both codecs code it as
// left, right, top, bottom. A rectangle that leaves nothing makes r bad.
func parseCrop(r *bitReader, i *Info, unitX, unitY int) {
	left, right := r.readUE(), r.readUE()
	top, bottom := r.readUE(), r.readUE()
	w := int64(i.CodedWidth) - int64(unitX)*(int64(left)+int64(right))
	h := int64(i.CodedHeight) - int64(unitY)*(int64(top)+int64(bottom))
	if w <= 0 || h <= 0 {
		r.bad = true
		return
	}
	i.Width, i.Height = int(w), int(h)
}

// parseVUI264 reads the VUI parameters (E.1.1) up to the frame rate. It ignores
// errors: the VUI comes last, and a damaged end does not affect the picture.
func parseVUI264(r *bitReader, i *Info) {
	parseVUIPicture(r, i)
	if !r.readFlag() { // timing_info_present_flag
		return
	}
	tick, scale := r.readBits(32), r.readBits(32)
	// A frame lasts two ticks, those of its two fields (E.2.1).
	if !r.bad && tick > 0 && scale > 0 {
		i.FrameRateNum, i.FrameRateDen = reduceFraction(int(scale), 2*int(tick))
	}
}

// profile264 returns ffprobe's name of a profile. constraints are the eight bits
// from constraint_set0_flag to reserved_zero_2bits.
func profile264(idc int, constraints uint32) string {
	intra := constraints&0x10 != 0 // constraint_set3_flag
	pick := func(plain, intraOnly string) string {
		if intra {
			return intraOnly
		}
		return plain
	}

	switch idc {
	case 66:
		if constraints&0x40 != 0 { // constraint_set1_flag
			return "Constrained Baseline"
		}
		return "Baseline"
	case 77:
		return "Main"
	case 88:
		return "Extended"
	case 100:
		return "High"
	case 110:
		return pick("High 10", "High 10 Intra")
	case 122:
		return pick("High 4:2:2", "High 4:2:2 Intra")
	case 244:
		return pick("High 4:4:4 Predictive", "High 4:4:4 Intra")
	case 44:
		return "CAVLC 4:4:4"
	case 118:
		return "Multiview High"
	case 128:
		return "Stereo High"
	}
	return fmt.Sprint(idc)
}
