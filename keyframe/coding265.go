package keyframe

import "math/bits"

// coding265 is what the sequence and picture parameter sets of a picture say about
// the syntax of its slices (ISO/IEC 23008-2 7.3.2.2, 7.3.2.3).
type coding265 struct {
	unreadable bool // the slices use tools that reader265 does not know

	// Of the sequence parameter set:
	chroma             int // ChromaArrayType
	depths             [2]int
	width, height      int
	log2MaxPOC         int
	log2MinCb, log2Ctb int
	log2MinTb          int
	log2MaxTb          int
	maxDepthIntra      int // max_transform_hierarchy_depth_intra
	sao                bool
	pcm                bool
	pcmDepths          [2]int
	log2MinPCM         int
	log2MaxPCM         int
	refPicSets         int // num_short_term_ref_pic_sets
	refPicCounts       [maxShortTerm]int
	longTerm           bool
	longTermSets       int
	temporalMVP        bool
	implicitRDPCM      bool
	skipContext        bool // transform_skip_context_enabled_flag
	persistentRice     bool

	// Of the picture parameter set:
	dependentSlices    bool
	outputFlag         bool
	extraBits          int // num_extra_slice_header_bits
	signHiding         bool
	initQP             int
	transformSkip      bool
	log2MaxSkip        int
	qpDelta            bool
	log2MinQPDelta     int
	sliceChromaQP      bool
	bypass             bool // transquant_bypass_enabled_flag
	tiles              bool
	wavefronts         bool // entropy_coding_sync_enabled_flag
	filterAcross       bool // pps_loop_filter_across_slices_enabled_flag
	deblockingOverride bool
	deblockingOff      bool
	headerExtension    bool
	crossComponent     bool
	chromaQPOffsets    int // entries of the list, 0 if it is not enabled
	log2MinChromaQP    int

	columns, rows []int // of tiles: where each begins, in coding tree blocks
	ctbsX, ctbsY  int
}

// maxTiles265 bounds the tile columns and rows: those of level 6.2 (table A.8) are 20
// and 22.
const maxTiles265 = 32

// parseCoding265 reads a sequence and a picture parameter set. It returns nil if one
// of them is damaged or missing.
func parseCoding265(sps, pps []byte) *coding265 {
	const header = 2
	c := &coding265{}
	if len(sps) < header || len(pps) < header || !c.readSPS(sps) || !c.readPPS(pps) {
		return nil
	}
	return c
}

func (c *coding265) readSPS(nalu []byte) bool {
	r := &bitReader{data: AppendRBSP(nil, nalu[2:])}
	r.readBits(4)
	subLayers := int(r.readBits(3)) + 1
	r.readFlag()
	parseProfileTierLevel(r, &Info{}, min(subLayers, maxSubLayers265))
	r.readUE()

	at := *r
	c.chroma = at.readUEUpTo(3)
	c.unreadable = c.chroma == 3 && at.readFlag() // separate_colour_plane_flag
	i := Info{}
	parseSize265(r, &i)
	c.width, c.height = i.CodedWidth, i.CodedHeight
	c.depths = [2]int{r.readUEUpTo(8) + 8, r.readUEUpTo(8) + 8}
	c.log2MaxPOC = r.readUEUpTo(12) + 4
	skipSubLayerOrdering(r, subLayers)

	c.log2MinCb = r.readUEUpTo(3) + 3
	c.log2Ctb = c.log2MinCb + r.readUEUpTo(3)
	c.log2MinTb = r.readUEUpTo(3) + 2
	c.log2MaxTb = c.log2MinTb + r.readUEUpTo(3)
	r.readUE() // max_transform_hierarchy_depth_inter
	c.maxDepthIntra = r.readUEUpTo(4)
	if enabled := r.readFlag(); enabled && r.readFlag() {
		skipScalingLists265(r)
	}
	r.readFlag() // amp_enabled_flag
	c.sao = r.readFlag()
	if c.pcm = r.readFlag(); c.pcm {
		c.pcmDepths = [2]int{int(r.readBits(4)) + 1, int(r.readBits(4)) + 1}
		c.log2MinPCM = r.readUEUpTo(2) + 3
		c.log2MaxPCM = c.log2MinPCM + r.readUEUpTo(2)
		r.readFlag() // pcm_loop_filter_disabled_flag
	}

	c.refPicSets, c.refPicCounts = readRefPicSets265(r)
	if c.longTerm = r.readFlag(); c.longTerm {
		c.longTermSets = r.readUEUpTo(maxLongTerm)
		r.skipBits(c.longTermSets * (c.log2MaxPOC + 1))
	}
	c.temporalMVP = r.readFlag()
	r.readFlag() // strong_intra_smoothing_enabled_flag

	if r.readFlag() { // vui_parameters_present_flag
		parseVUI265(r, &Info{}, subLayers)
	}
	c.readExtensionOfSPS(r)
	if c.log2Ctb > 6 || c.log2Ctb < 4 || c.log2MaxTb > min(c.log2Ctb, 5) || c.log2MinTb >= c.log2MinCb || r.bad {
		return false
	}
	c.ctbsX = (c.width + 1<<c.log2Ctb - 1) >> c.log2Ctb
	c.ctbsY = (c.height + 1<<c.log2Ctb - 1) >> c.log2Ctb
	return c.width%(1<<c.log2MinCb) == 0 && c.height%(1<<c.log2MinCb) == 0
}

// readExtensionOfSPS reads the range extension (7.3.2.2.2). Other extensions change
// the slices of the base layer in ways that are not read.
func (c *coding265) readExtensionOfSPS(r *bitReader) {
	if !r.readFlag() { // sps_extension_present_flag
		return
	}
	ranges := r.readFlag()
	others := r.readBits(7)
	c.unreadable = c.unreadable || others&0b0011111 != 0 // beyond multilayer and 3D
	if !ranges {
		return
	}

	r.readFlag() // transform_skip_rotation_enabled_flag
	c.skipContext = r.readFlag()
	c.implicitRDPCM = r.readFlag()
	r.readFlag()             // explicit_rdpcm_enabled_flag
	extended := r.readFlag() // extended_precision_processing_flag
	r.readBits(2)            // intra_smoothing_disabled_flag, high_precision_offsets_enabled_flag
	c.persistentRice = r.readFlag()
	aligned := r.readFlag() // cabac_bypass_alignment_enabled_flag
	c.unreadable = c.unreadable || extended || aligned
}

func (c *coding265) readPPS(nalu []byte) bool {
	r := &bitReader{data: AppendRBSP(nil, nalu[2:])}
	r.readUEUpTo(maxPPSID265)
	r.readUEUpTo(maxSPSID265)
	c.dependentSlices, c.outputFlag = r.readFlag(), r.readFlag()
	c.extraBits = int(r.readBits(3))
	c.signHiding = r.readFlag()
	r.readFlag() // cabac_init_present_flag
	r.readUE()   // num_ref_idx_l0_default_active_minus1
	r.readUE()   // num_ref_idx_l1_default_active_minus1
	c.initQP = 26 + int(r.readSE())
	r.readFlag() // constrained_intra_pred_flag
	c.transformSkip = r.readFlag()
	c.log2MaxSkip = 2
	if c.qpDelta = r.readFlag(); c.qpDelta {
		c.log2MinQPDelta = c.log2Ctb - r.readUEUpTo(3)
	}
	r.readSE() // pps_cb_qp_offset
	r.readSE() // pps_cr_qp_offset
	c.sliceChromaQP = r.readFlag()
	r.readBits(2) // weighted_pred_flag, weighted_bipred_flag
	c.bypass, c.tiles, c.wavefronts = r.readFlag(), r.readFlag(), r.readFlag()
	if c.columns, c.rows = []int{0}, []int{0}; c.tiles {
		c.readTiles(r)
	}

	c.filterAcross = r.readFlag()
	if r.readFlag() { // deblocking_filter_control_present_flag
		c.deblockingOverride = r.readFlag()
		if c.deblockingOff = r.readFlag(); !c.deblockingOff {
			r.readSE() // pps_beta_offset_div2
			r.readSE() // pps_tc_offset_div2
		}
	}
	if r.readFlag() { // pps_scaling_list_data_present_flag
		skipScalingLists265(r)
	}
	r.readFlag() // lists_modification_present_flag
	r.readUE()   // log2_parallel_merge_level_minus2
	c.headerExtension = r.readFlag()
	c.readExtensionOfPPS(r)
	return !r.bad
}

// readTiles reads where the tiles begin (6.5.1).
func (c *coding265) readTiles(r *bitReader) {
	columns, rows := r.readUEUpTo(maxTiles265-1)+1, r.readUEUpTo(maxTiles265-1)+1
	uniform := r.readFlag()
	c.columns = readTileStarts(r, columns, c.ctbsX, uniform)
	c.rows = readTileStarts(r, rows, c.ctbsY, uniform)
	r.readFlag() // loop_filter_across_tiles_enabled_flag
}

func readTileStarts(r *bitReader, count, ctbs int, uniform bool) []int {
	starts := make([]int, count)
	for n := 1; n < count; n++ {
		if uniform {
			starts[n] = n * ctbs / count
		} else {
			starts[n] = starts[n-1] + r.readUEUpTo(uint32(ctbs)) + 1
		}
	}
	if count > ctbs || starts[count-1] >= ctbs {
		r.bad = true
	}
	return starts
}

// readExtensionOfPPS reads the range extension (7.3.2.3.2).
func (c *coding265) readExtensionOfPPS(r *bitReader) {
	if !r.readFlag() { // pps_extension_present_flag
		return
	}
	ranges := r.readFlag()
	others := r.readBits(7)
	c.unreadable = c.unreadable || others&0b0011111 != 0
	if !ranges {
		return
	}

	if c.transformSkip {
		c.log2MaxSkip = r.readUEUpTo(3) + 2
	}
	c.crossComponent = r.readFlag()
	if r.readFlag() { // chroma_qp_offset_list_enabled_flag
		c.log2MinChromaQP = c.log2Ctb - r.readUEUpTo(3)
		c.chromaQPOffsets = r.readUEUpTo(5) + 1
		for range c.chromaQPOffsets {
			r.readSE()
			r.readSE()
		}
	}
	r.readUE() // log2_sao_offset_scale_luma
	r.readUE() // log2_sao_offset_scale_chroma
}

// slicePart265 is a slice segment of an all-intra picture.
type slicePart265 struct {
	address   int // of its first coding tree block, in raster scan
	dependent bool
	qp        int // SliceQpY
	sao       [2]bool
	chromaQP  bool // cu_chroma_qp_offset_enabled_flag
	data      int  // where slice_segment_data begins in the RBSP
}

// parseSlicePart reads the header of a slice segment from its RBSP (7.3.6.1). before
// is the segment that a dependent one continues. ok is false if it is damaged.
func (c *coding265) parseSlicePart(rbsp []byte, nalType int, before slicePart265) (p slicePart265, ok bool) {
	r := &bitReader{data: rbsp}
	first := r.readFlag()
	if nalType >= nal265BLAWLP && nalType <= nal265LastIRAP {
		r.readFlag() // no_output_of_prior_pics_flag
	}
	r.readUE() // slice_pic_parameter_set_id

	address, dependent := 0, false
	if !first {
		dependent = c.dependentSlices && r.readFlag()
		address = int(r.readBits(bits.Len(uint(c.ctbsX*c.ctbsY - 1))))
	}
	if p = before; !dependent {
		p = c.readIndependent(r, nalType)
	}
	p.address, p.dependent = address, dependent

	if c.tiles || c.wavefronts {
		if n := r.readUEUpTo(uint32(c.ctbsX * c.ctbsY)); n > 0 {
			r.skipBits(n * (r.readUEUpTo(31) + 1)) // entry_point_offset_minus1
		}
	}
	if c.headerExtension {
		r.skipBits(8 * r.readUEUpTo(256))
	}

	stop := r.readFlag()
	for r.pos&7 != 0 {
		stop = !r.readFlag() && stop
	}
	p.data = r.pos >> 3
	return p, stop && !r.bad && (first || address > 0) && address < c.ctbsX*c.ctbsY
}

// readIndependent reads what a dependent slice segment takes from the one before it.
func (c *coding265) readIndependent(r *bitReader, nalType int) (p slicePart265) {
	r.readBits(c.extraBits)
	if r.readUE() != 2 { // slice_type I
		r.bad = true
	}
	if c.outputFlag {
		r.readFlag()
	}
	if nalType != nal265IDRWRADL && nalType != nal265IDRNLP {
		c.skipReferences(r)
	}

	if c.sao {
		p.sao[0] = r.readFlag()
		p.sao[1] = c.chroma != 0 && r.readFlag()
	}
	p.qp = c.initQP + int(r.readSE())
	if c.sliceChromaQP {
		r.readSE()
		r.readSE()
	}
	p.chromaQP = c.chromaQPOffsets > 0 && r.readFlag()

	off := c.deblockingOff
	if c.deblockingOverride && r.readFlag() {
		if off = r.readFlag(); !off {
			r.readSE()
			r.readSE()
		}
	}
	if c.filterAcross && (p.sao[0] || p.sao[1] || !off) {
		r.readFlag() // slice_loop_filter_across_slices_enabled_flag
	}
	return p
}

// skipReferences skips the picture order count and the reference pictures.
func (c *coding265) skipReferences(r *bitReader) {
	r.readBits(c.log2MaxPOC)
	if !r.readFlag() { // short_term_ref_pic_set_sps_flag
		counts := c.refPicCounts
		readRefPicSet265(r, c.refPicSets, c.refPicSets, &counts)
	} else if c.refPicSets > 1 {
		r.readBits(bits.Len(uint(c.refPicSets - 1)))
	}

	if c.longTerm {
		sets := 0
		if c.longTermSets > 0 {
			sets = r.readUEUpTo(maxLongTerm)
		}
		for n := range sets + r.readUEUpTo(maxLongTerm) {
			switch {
			case n >= sets:
				r.readBits(c.log2MaxPOC + 1)
			case c.longTermSets > 1:
				r.readBits(bits.Len(uint(c.longTermSets - 1)))
			}
			if r.readFlag() { // delta_poc_msb_present_flag
				r.readUE()
			}
		}
	}
	if c.temporalMVP {
		r.readFlag()
	}
}
