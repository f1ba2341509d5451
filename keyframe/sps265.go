package keyframe

import "fmt"

// Bounds of ISO/IEC 23008-2: parameter set ids (7.4.3.1 to 7.4.3.3), sub-layers
// (7.4.3.1), and the longest side of level 6.2 (A.4.1).
const (
	maxVPSID265     = 15
	maxSPSID265     = 15
	maxPPSID265     = 63
	maxSubLayers265 = 7
	maxSide265      = 16888
	maxShortTerm    = 64 // num_short_term_ref_pic_sets
	maxLongTerm     = 32 // num_long_term_ref_pics_sps
	maxRefPics265   = 16 // pictures of one set: sps_max_dec_pic_buffering_minus1
)

// sps265 is a sequence parameter set of H.265 (ISO/IEC 23008-2 7.3.2.2).
type sps265 struct {
	raw       []byte
	id, vpsID int
	info      Info
}

func parseSPS265(nalu []byte) (*sps265, error) {
	s, r, err := beginSPS265(nalu)
	if err == nil && !r.bad && r.flag() {
		vui265(r, &s.info)
	}
	return s, err
}

// beginSPS265 leaves r at vui_parameters_present_flag, if it is not bad.
func beginSPS265(nalu []byte) (*sps265, *bitReader, error) {
	if len(nalu) < 4 {
		return nil, nil, fmt.Errorf("%w: sequence parameter set of %d bytes", ErrCorrupt, len(nalu))
	}
	r := &bitReader{data: AppendRBSP(nil, nalu[2:])}
	s := &sps265{raw: nalu}
	i := &s.info
	i.Primaries, i.Transfer, i.Matrix = Unspecified, Unspecified, Unspecified
	s.vpsID = int(r.bits(4))
	subLayers := int(r.bits(3)) + 1
	if subLayers > maxSubLayers265 {
		return nil, nil, fmt.Errorf("%w: sequence parameter set of %d sub-layers", ErrCorrupt, subLayers)
	}
	r.flag() // sps_temporal_id_nesting_flag
	profileTierLevel(r, i, subLayers)
	s.id = r.upTo(maxSPSID265)
	size265(r, i)
	i.BitDepth = r.upTo(8) + 8
	r.upTo(8) // bit_depth_chroma_minus8
	log2MaxPOC := r.upTo(12) + 4
	if r.bad {
		return nil, nil, fmt.Errorf("%w: sequence parameter set ends too early or is out of bounds", ErrCorrupt)
	}
	// What follows is wanted for the VUI alone; damage there takes nothing from
	// the picture.
	skipToVUI265(r, subLayers, log2MaxPOC)
	return s, r, nil
}

// profileTierLevel reads 7.3.3 for the general profile and level.
func profileTierLevel(r *bitReader, i *Info, subLayers int) {
	r.bits(3) // general_profile_space, general_tier_flag
	i.ProfileIDC = int(r.bits(5))
	compatible := r.bits(32)
	progressive, interlaced := r.flag(), r.flag()
	i.Interlaced = interlaced && !progressive
	r.bits(2) // general_non_packed_constraint_flag, general_frame_only_constraint_flag
	r.skip(44)
	i.LevelIDC = int(r.bits(8))
	i.Profile = profile265(i.ProfileIDC, compatible)
	var profile, level [maxSubLayers265]bool
	for n := range subLayers - 1 {
		profile[n], level[n] = r.flag(), r.flag()
	}
	if subLayers > 1 {
		r.skip(2 * (8 - (subLayers - 1))) // reserved_zero_2bits
	}
	for n := range subLayers - 1 {
		if profile[n] {
			r.skip(88)
		}
		if level[n] {
			r.skip(8)
		}
	}
}

// profile265 names a profile as ffprobe does. Where general_profile_idc is 0 the
// compatibility flags tell (A.3).
func profile265(idc int, compatible uint32) string {
	if idc == 0 {
		for n := 1; n <= 4; n++ {
			if compatible>>(31-n)&1 == 1 {
				idc = n
				break
			}
		}
	}
	switch idc {
	case 1:
		return "Main"
	case 2:
		return "Main 10"
	case 3:
		return "Main Still Picture"
	case 4:
		return "Rext"
	}
	return fmt.Sprint(idc)
}

func size265(r *bitReader, i *Info) {
	i.ChromaFormat = r.upTo(3)
	separatePlanes := i.ChromaFormat == 3 && r.flag()
	i.CodedWidth, i.CodedHeight = r.upTo(maxSide265), r.upTo(maxSide265)
	i.Width, i.Height = i.CodedWidth, i.CodedHeight
	if i.Width == 0 || i.Height == 0 {
		r.bad = true
		return
	}
	if !r.flag() { // conformance_window_flag
		return
	}
	unitX, unitY := 1, 1 // SubWidthC and SubHeightC, table 6-1
	if !separatePlanes && (i.ChromaFormat == 1 || i.ChromaFormat == 2) {
		unitX = 2
	}
	if i.ChromaFormat == 1 {
		unitY = 2
	}
	crop(r, i, unitX, unitY)
}

// skipToVUI265 reads from sps_sub_layer_ordering_info_present_flag up to
// vui_parameters_present_flag.
func skipToVUI265(r *bitReader, subLayers, log2MaxPOC int) {
	layers := 1
	if r.flag() {
		layers = subLayers
	}
	for range layers {
		r.ue() // sps_max_dec_pic_buffering_minus1
		r.ue() // sps_max_num_reorder_pics
		r.ue() // sps_max_latency_increase_plus1
	}
	for range 6 {
		r.ue() // block sizes and transform hierarchy depths
	}
	if enabled := r.flag(); enabled && r.flag() { // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	r.bits(2)     // amp_enabled_flag, sample_adaptive_offset_enabled_flag
	if r.flag() { // pcm_enabled_flag
		r.bits(8)
		r.ue()
		r.ue()
		r.flag()
	}
	skipRefPicSets265(r)
	if r.flag() { // long_term_ref_pics_present_flag
		for range r.upTo(maxLongTerm) {
			r.skip(log2MaxPOC + 1)
		}
	}
	r.bits(2) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
}

// skipScalingLists265 reads over scaling_list_data (7.3.4).
func skipScalingLists265(r *bitReader) {
	for sizeID := range 4 {
		step := 1
		if sizeID == 3 {
			step = 3
		}
		for m := 0; m < 6; m += step {
			if !r.flag() { // scaling_list_pred_mode_flag
				r.ue()
				continue
			}
			if sizeID > 1 {
				r.se()
			}
			for range min(64, 1<<(4+sizeID<<1)) {
				r.se()
			}
		}
	}
}

// skipRefPicSets265 reads over the short-term reference picture sets (7.3.7),
// whose lengths depend on the sets before them.
func skipRefPicSets265(r *bitReader) {
	var pictures [maxShortTerm]int // NumDeltaPocs
	for n := range r.upTo(maxShortTerm) {
		if n > 0 && r.flag() { // inter_ref_pic_set_prediction_flag
			r.flag() // delta_rps_sign
			r.ue()   // abs_delta_rps_minus1
			for range pictures[n-1] + 1 {
				used := r.flag()
				if used || r.flag() { // use_delta_flag
					pictures[n]++
				}
			}
		} else {
			before, after := r.upTo(maxRefPics265), r.upTo(maxRefPics265)
			for range before + after {
				r.ue()
				r.flag()
			}
			pictures[n] = before + after
		}
		if r.bad || pictures[n] > 2*maxRefPics265 {
			r.bad = true
			return
		}
	}
}

func vui265(r *bitReader, i *Info) {
	vuiPicture(r, i)
	r.flag() // neutral_chroma_indication_flag
	i.FieldSeq = r.flag()
	i.Interlaced = i.Interlaced || i.FieldSeq
	r.flag()      // frame_field_info_present_flag
	if r.flag() { // default_display_window_flag
		for range 4 {
			r.ue()
		}
	}
	if !r.flag() { // vui_timing_info_present_flag
		return
	}
	tick, scale := r.bits(32), r.bits(32)
	if !r.bad && tick > 0 && scale > 0 {
		i.FrameRateNum, i.FrameRateDen = reduce(int(scale), int(tick))
	}
}

// parsePPS265 reads the ids of a picture parameter set (7.3.2.3).
func parsePPS265(nalu []byte) (id, spsID int, err error) {
	if len(nalu) < 3 {
		return 0, 0, fmt.Errorf("%w: picture parameter set of %d bytes", ErrCorrupt, len(nalu))
	}
	r := &bitReader{data: AppendRBSP(nil, nalu[2:min(len(nalu), 16)])}
	id, spsID = r.upTo(maxPPSID265), r.upTo(maxSPSID265)
	if r.bad {
		return 0, 0, fmt.Errorf("%w: picture parameter set out of bounds", ErrCorrupt)
	}
	return id, spsID, nil
}
