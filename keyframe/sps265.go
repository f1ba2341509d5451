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
	maxLayerSets265 = 1023
)

// sps265 is a sequence parameter set of H.265 (ISO/IEC 23008-2 7.3.2.2).
type sps265 struct {
	storedSet
	id, vpsID int
	subLayers int
	info      Info
}

func parseSPS265(nalu []byte) (*sps265, error) {
	s, r, err := beginSPS265(nalu)
	if err == nil && !r.bad && r.readFlag() {
		parseVUI265(r, &s.info, s.subLayers)
	}
	return s, err
}

// beginSPS265 leaves r at vui_parameters_present_flag, if it is not bad.
func beginSPS265(nalu []byte) (*sps265, *bitReader, error) {
	if len(nalu) < 4 {
		return nil, nil, fmt.Errorf("%w: sequence parameter set of %d bytes", ErrCorrupt, len(nalu))
	}
	r := &bitReader{data: AppendRBSP(nil, nalu[2:])}
	s := &sps265{storedSet: storedSet{raw: nalu}}

	i := &s.info
	i.Primaries, i.Transfer, i.Matrix = Unspecified, Unspecified, Unspecified
	s.vpsID = int(r.readBits(4))
	s.subLayers = int(r.readBits(3)) + 1
	subLayers := s.subLayers
	if subLayers > maxSubLayers265 {
		return nil, nil, fmt.Errorf("%w: sequence parameter set of %d sub-layers", ErrCorrupt, subLayers)
	}
	r.readFlag() // sps_temporal_id_nesting_flag
	parseProfileTierLevel(r, i, subLayers)
	s.id = r.readUEUpTo(maxSPSID265)
	parseSize265(r, i)
	i.BitDepth = r.readUEUpTo(8) + 8
	r.readUEUpTo(8) // bit_depth_chroma_minus8
	log2MaxPOC := r.readUEUpTo(12) + 4
	if r.bad {
		return nil, nil, fmt.Errorf("%w: sequence parameter set ends too early or is out of bounds", ErrCorrupt)
	}

	// Only the VUI is of interest after this. Damage there does not affect the
	// picture.
	skipToVUI265(r, subLayers, log2MaxPOC)
	return s, r, nil
}

// parseProfileTierLevel reads 7.3.3 for the general profile and level.
func parseProfileTierLevel(r *bitReader, i *Info, subLayers int) {
	r.readBits(3) // general_profile_space, general_tier_flag
	i.ProfileIDC = int(r.readBits(5))
	compatible := r.readBits(32)
	progressive, interlaced := r.readFlag(), r.readFlag()
	i.Interlaced = interlaced && !progressive

	r.readBits(2) // general_non_packed_constraint_flag, general_frame_only_constraint_flag
	r.skipBits(44)
	i.LevelIDC = int(r.readBits(8))
	i.Profile = profile265(i.ProfileIDC, compatible)

	var profile, level [maxSubLayers265]bool
	for n := range subLayers - 1 {
		profile[n], level[n] = r.readFlag(), r.readFlag()
	}
	if subLayers > 1 {
		r.skipBits(2 * (8 - (subLayers - 1))) // reserved_zero_2bits
	}
	for n := range subLayers - 1 {
		if profile[n] {
			r.skipBits(88)
		}
		if level[n] {
			r.skipBits(8)
		}
	}
}

// profile265 returns ffprobe's name of a profile. If general_profile_idc is 0, the
// compatibility flags decide (A.3).
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

func parseSize265(r *bitReader, i *Info) {
	i.ChromaFormat = r.readUEUpTo(3)
	separatePlanes := i.ChromaFormat == 3 && r.readFlag()
	i.CodedWidth, i.CodedHeight = r.readUEUpTo(maxSide265), r.readUEUpTo(maxSide265)
	i.Width, i.Height = i.CodedWidth, i.CodedHeight
	if i.Width == 0 || i.Height == 0 {
		r.bad = true
		return
	}

	if !r.readFlag() { // conformance_window_flag
		return
	}

	unitX, unitY := 1, 1 // SubWidthC and SubHeightC, table 6-1
	if !separatePlanes && (i.ChromaFormat == 1 || i.ChromaFormat == 2) {
		unitX = 2
	}
	if i.ChromaFormat == 1 {
		unitY = 2
	}
	parseCrop(r, i, unitX, unitY)
}

// skipToVUI265 skips from sps_sub_layer_ordering_info_present_flag to
// vui_parameters_present_flag.
func skipToVUI265(r *bitReader, subLayers, log2MaxPOC int) {
	skipSubLayerOrdering(r, subLayers)
	for range 6 {
		r.readUE() // block sizes and transform hierarchy depths
	}
	if enabled := r.readFlag(); enabled && r.readFlag() { // scaling_list_enabled_flag, sps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	r.readBits(2)     // amp_enabled_flag, sample_adaptive_offset_enabled_flag
	if r.readFlag() { // pcm_enabled_flag
		r.readBits(8)
		r.readUE()
		r.readUE()
		r.readFlag()
	}

	readRefPicSets265(r)
	if r.readFlag() { // long_term_ref_pics_present_flag
		for range r.readUEUpTo(maxLongTerm) {
			r.skipBits(log2MaxPOC + 1)
		}
	}

	r.readBits(2) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
}

func skipSubLayerOrdering(r *bitReader, subLayers int) {
	layers := 1
	if r.readFlag() { // sps_sub_layer_ordering_info_present_flag
		layers = subLayers
	}
	for range layers {
		r.readUE() // sps_max_dec_pic_buffering_minus1
		r.readUE() // sps_max_num_reorder_pics
		r.readUE() // sps_max_latency_increase_plus1
	}
}

// skipScalingLists265 skips scaling_list_data (7.3.4).
func skipScalingLists265(r *bitReader) {
	for sizeID := range 4 {
		step := 1
		if sizeID == 3 {
			step = 3
		}
		for m := 0; m < 6; m += step {
			if !r.readFlag() { // scaling_list_pred_mode_flag
				r.readUE()
				continue
			}
			if sizeID > 1 {
				r.readSE()
			}
			for range min(64, 1<<(4+sizeID<<1)) {
				r.readSE()
			}
		}
	}
}

// readRefPicSets265 reads the short-term reference picture sets of a sequence. It
// returns how many there are, and the pictures of each (NumDeltaPocs).
func readRefPicSets265(r *bitReader) (sets int, pictures [maxShortTerm]int) {
	sets = r.readUEUpTo(maxShortTerm)
	for n := range sets {
		readRefPicSet265(r, n, sets, &pictures)
	}
	return sets, pictures
}

// readRefPicSet265 reads set n (7.3.7), whose length depends on the sets before it. A
// slice header has one more than the sequence.
func readRefPicSet265(r *bitReader, n, sets int, pictures *[maxShortTerm]int) {
	count := 0
	if n > 0 && r.readFlag() { // inter_ref_pic_set_prediction_flag
		from := n - 1
		if n == sets {
			from = n - 1 - r.readUEUpTo(uint32(n-1)) // delta_idx_minus1
		}
		r.readFlag() // delta_rps_sign
		r.readUE()   // abs_delta_rps_minus1
		for range pictures[from] + 1 {
			used := r.readFlag()
			if used || r.readFlag() { // use_delta_flag
				count++
			}
		}
	} else {
		before, after := r.readUEUpTo(maxRefPics265), r.readUEUpTo(maxRefPics265)
		for range before + after {
			r.readUE()
			r.readFlag()
		}
		count = before + after
	}

	if r.bad || count > 2*maxRefPics265 {
		r.bad = true
		return
	}
	if n < sets {
		pictures[n] = count
	}
}

func parseVUI265(r *bitReader, i *Info, subLayers int) {
	parseVUIPicture(r, i)
	r.readFlag() // neutral_chroma_indication_flag
	i.FieldSeq = r.readFlag()
	i.Interlaced = i.Interlaced || i.FieldSeq
	r.readFlag()      // frame_field_info_present_flag
	if r.readFlag() { // default_display_window_flag
		for range 4 {
			r.readUE()
		}
	}

	if r.readFlag() { // vui_timing_info_present_flag
		tick, scale := r.readBits(32), r.readBits(32)
		if !r.bad && tick > 0 && scale > 0 {
			i.FrameRateNum, i.FrameRateDen = reduceFraction(int(scale), int(tick))
		}
		if r.readFlag() { // vui_poc_proportional_to_timing_flag
			r.readUE()
		}
		if r.readFlag() { // vui_hrd_parameters_present_flag
			skipHRD265(r, subLayers)
		}
	}

	if r.readFlag() { // bitstream_restriction_flag
		r.readBits(3)
		for range 5 {
			r.readUE()
		}
	}
}

// skipHRD265 skips hrd_parameters (E.2.2).
func skipHRD265(r *bitReader, subLayers int) {
	nal, vcl := r.readFlag(), r.readFlag()
	subPictures := false
	if nal || vcl {
		if subPictures = r.readFlag(); subPictures {
			r.readBits(19)
			r.readBits(4) // cpb_size_du_scale, whose place between the next fields is of no matter
		}
		r.readBits(23)
	}

	for range subLayers {
		fixed := r.readFlag()         // fixed_pic_rate_general_flag
		fixed = fixed || r.readFlag() // fixed_pic_rate_within_cvs_flag
		lowDelay := false
		if fixed {
			r.readUE() // elemental_duration_in_tc_minus1
		} else {
			lowDelay = r.readFlag()
		}
		count := 1
		if !lowDelay {
			count = r.readUEUpTo(31) + 1
		}
		for _, present := range []bool{nal, vcl} {
			if present {
				skipSubLayerHRD265(r, count, subPictures)
			}
		}
	}
}

// skipSubLayerHRD265 skips sub_layer_hrd_parameters (E.2.3).
func skipSubLayerHRD265(r *bitReader, count int, subPictures bool) {
	for range count {
		r.readUE()
		r.readUE()
		if subPictures {
			r.readUE()
			r.readUE()
		}
		r.readFlag()
	}
}

// parseVPS265 reads the id of a video parameter set (7.3.2.1), and checks what
// decoders refuse a set for.
func parseVPS265(nalu []byte) (id int, err error) {
	if len(nalu) < 4 {
		return 0, fmt.Errorf("%w: video parameter set of %d bytes", ErrCorrupt, len(nalu))
	}
	r := &bitReader{data: AppendRBSP(nil, nalu[2:])}
	id = int(r.readBits(4))
	r.readBits(8) // vps_base_layer_internal_flag to vps_max_layers_minus1
	subLayers := int(r.readBits(3)) + 1
	r.readFlag() // vps_temporal_id_nesting_flag
	if r.readBits(16) != 0xffff || subLayers > maxSubLayers265 {
		return 0, fmt.Errorf("%w: video parameter set out of bounds", ErrCorrupt)
	}

	parseProfileTierLevel(r, &Info{}, subLayers)
	first := subLayers - 1
	if r.readFlag() { // vps_sub_layer_ordering_info_present_flag
		first = 0
	}
	for range subLayers - first {
		r.readUEUpTo(maxRefPics265) // vps_max_dec_pic_buffering_minus1
		r.readUE()                  // vps_max_num_reorder_pics
		r.readUE()                  // vps_max_latency_increase_plus1
	}
	layers := int(r.readBits(6)) + 1 // vps_max_layer_id
	r.skipBits(layers * r.readUEUpTo(maxLayerSets265))
	r.readFlag() // vps_timing_info_present_flag
	if r.bad {
		return 0, fmt.Errorf("%w: video parameter set ends too early or is out of bounds", ErrCorrupt)
	}
	return id, nil
}

// parsePPS265 reads the ids of a picture parameter set (7.3.2.3), and checks the
// fields up to those of the quantiser.
func parsePPS265(nalu []byte) (id, spsID int, err error) {
	if len(nalu) < 3 {
		return 0, 0, fmt.Errorf("%w: picture parameter set of %d bytes", ErrCorrupt, len(nalu))
	}
	r := &bitReader{data: AppendRBSP(nil, nalu[2:min(len(nalu), 32)])}
	id, spsID = r.readUEUpTo(maxPPSID265), r.readUEUpTo(maxSPSID265)
	r.readBits(7)                   // dependent_slice_segments_enabled_flag to cabac_init_present_flag
	r.readUEUpTo(14)                // num_ref_idx_l0_default_active_minus1
	r.readUEUpTo(14)                // num_ref_idx_l1_default_active_minus1
	r.readSEWithin(-26-maxQPBd, 25) // init_qp_minus26
	r.readBits(2)                   // constrained_intra_pred_flag, transform_skip_enabled_flag
	if r.readFlag() {               // cu_qp_delta_enabled_flag
		r.readUEUpTo(3) // diff_cu_qp_delta_depth
	}
	r.readSEWithin(-maxChromaQP, maxChromaQP) // pps_cb_qp_offset
	r.readSEWithin(-maxChromaQP, maxChromaQP) // pps_cr_qp_offset
	if r.bad {
		return 0, 0, fmt.Errorf("%w: picture parameter set out of bounds", ErrCorrupt)
	}
	return id, spsID, nil
}
