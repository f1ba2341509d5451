package keyframe

// reader265 follows the syntax of an all-intra picture of H.265 (ISO/IEC 23008-2
// 7.3.8) without decoding it, to see whether its slices are whole: damaged ones end
// before or after their data, or do not cover the picture.
type reader265 struct {
	*coding265
	cabac
	contexts contexts265
	part     slicePart265
	damaged  bool

	address    int // of the current coding tree block, in tile scan
	toScan     []int
	toTile     []int // tile of each block, in tile scan
	fromRaster []int
	slices     []int // SliceAddrRs + 1 of each block that was read, in raster scan

	saved     contexts265 // after the second block of a row, for wavefronts
	continued contexts265 // after the last slice segment, for a dependent one

	// Of the blocks read so far, in units of minUnit samples:
	stride int
	depth  []uint8 // CtDepth
	mode   []uint8 // IntraPredModeY

	unit                   codingUnit265
	parentChroma           [2][2]bool // cbf_cb and cbf_cr of the transform block above
	rbsp                   []byte
	qpCoded, chromaQPCoded bool // IsCuQpDeltaCoded, IsCuChromaQpOffsetCoded
}

// codingUnit265 is what the transform units of a coding unit share.
type codingUnit265 struct {
	bypass  bool // cu_transquant_bypass_flag
	split   bool // into four prediction blocks
	luma    [4]uint8
	chroma  [4]uint8 // IntraPredModeC
	derived [4]bool  // intra_chroma_pred_mode is 4
	x, y    int
	size    int // log2
}

const log2MinUnit = 2

// modes of intra prediction (8.4.2)
const (
	planarMode     = 0
	dcMode         = 1
	horizontalMode = 10
	verticalMode   = 26
)

// newReader265 returns a reader of one picture.
func newReader265(c *coding265) *reader265 {
	r := &reader265{coding265: c}
	r.stride = (c.ctbsX << c.log2Ctb) >> log2MinUnit
	units := r.stride * (c.ctbsY << c.log2Ctb) >> log2MinUnit
	r.depth, r.mode = make([]uint8, units), make([]uint8, units)
	r.slices = make([]int, c.ctbsX*c.ctbsY)
	r.scanTiles()
	return r
}

// scanTiles fills the conversions between raster and tile scan (6.5.1).
func (r *reader265) scanTiles() {
	count := r.ctbsX * r.ctbsY
	r.toScan, r.toTile, r.fromRaster = make([]int, 0, count), make([]int, 0, count), make([]int, count)
	for row, top := range r.rows {
		bottom := r.ctbsY
		if row+1 < len(r.rows) {
			bottom = r.rows[row+1]
		}
		for column, left := range r.columns {
			right := r.ctbsX
			if column+1 < len(r.columns) {
				right = r.columns[column+1]
			}
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					r.fromRaster[y*r.ctbsX+x] = len(r.toScan)
					r.toScan = append(r.toScan, y*r.ctbsX+x)
					r.toTile = append(r.toTile, row*len(r.columns)+column)
				}
			}
		}
	}
}

// readSlice reads a slice segment, and reports whether it is whole and begins where
// the one before ended.
func (r *reader265) readSlice(nalu []byte) bool {
	r.rbsp = AppendRBSP(r.rbsp[:0], nalu[2:])
	part, ok := r.parseSlicePart(r.rbsp, H265.nalType(nalu), r.part)
	if !ok || r.fromRaster[part.address] != r.address {
		return false
	}
	sliceAddress := r.slices[r.toScan[max(r.address-1, 0)]]
	if !part.dependent {
		sliceAddress = part.address + 1
	}
	r.part = part
	r.cabac.data = trimZeros(r.rbsp) // cabac_zero_words
	r.cabac.overrun, r.damaged = false, false
	r.cabac.start(part.data)

	for first := true; ; first = false {
		raster := r.toScan[r.address]
		r.slices[raster] = sliceAddress
		r.startContexts(raster, first)
		r.readTreeUnit(raster)
		if r.damaged || r.overrun {
			return false
		}

		end := r.decodeTerminate()
		r.saveContexts(raster, end)
		r.address++
		if end {
			pos, ok := r.endByte()
			return ok && pos == len(r.cabac.data)
		}
		if r.address == len(r.toScan) {
			return false
		}
		if r.startsSubset() {
			if !r.decodeTerminate() { // end_of_subset_one_bit
				return false
			}
			pos, ok := r.endByte()
			if !ok {
				return false
			}
			r.cabac.start(pos)
		}
	}
}

// isCovered reports whether the slices have filled the picture.
func (r *reader265) isCovered() bool { return r.address == len(r.toScan) }

// startsTile reports whether the current block is the first of a tile.
func (r *reader265) startsTile() bool {
	return r.address == 0 || r.toTile[r.address] != r.toTile[r.address-1]
}

// startsRow reports whether the block is the first of a row of its tile.
func (r *reader265) startsRow(raster int) bool {
	return raster%r.ctbsX == 0 || r.tileOf(raster) != r.tileOf(raster-1)
}

func (r *reader265) tileOf(raster int) int { return r.toTile[r.fromRaster[raster]] }

// startsSubset reports whether the entropy coder begins anew at the current block.
func (r *reader265) startsSubset() bool {
	return (r.tiles && r.startsTile()) || (r.wavefronts && r.startsRow(r.toScan[r.address]))
}

// startContexts prepares the contexts before a block (9.3.1).
func (r *reader265) startContexts(raster int, first bool) {
	switch {
	case r.startsTile() && (first || r.tiles):
		r.contexts.reset(r.part.qp)
	case r.wavefronts && r.startsRow(raster):
		right := raster - r.ctbsX + 1
		if (raster+1)%r.ctbsX != 0 && r.isAvailable(raster, right) {
			r.contexts = r.saved
		} else {
			r.contexts.reset(r.part.qp)
		}
	case first && r.part.dependent:
		r.contexts = r.continued
	case first:
		r.contexts.reset(r.part.qp)
	}
}

// saveContexts keeps the contexts after a block where 9.3.2 asks for it.
func (r *reader265) saveContexts(raster int, end bool) {
	if r.wavefronts && !r.startsRow(raster) && r.startsRow(raster-1) {
		r.saved = r.contexts
	}
	if end && r.dependentSlices {
		r.continued = r.contexts
	}
}

// isAvailable reports whether the coding tree block other may be used by the one at
// raster (6.4.1): it was read, and is of the same slice and tile.
func (r *reader265) isAvailable(raster, other int) bool {
	return other >= 0 && r.slices[other] == r.slices[raster] && r.tileOf(other) == r.tileOf(raster)
}

// hasLeft and hasAbove report whether the sample to the left of x, y or above may be
// used.
func (r *reader265) hasLeft(x, y int) bool {
	if x&(1<<r.log2Ctb-1) != 0 {
		return true
	}
	at := r.blockAt(x, y)
	return x > 0 && r.isAvailable(at, at-1)
}

func (r *reader265) hasAbove(x, y int) bool {
	if y&(1<<r.log2Ctb-1) != 0 {
		return true
	}
	at := r.blockAt(x, y)
	return y > 0 && r.isAvailable(at, at-r.ctbsX)
}

func (r *reader265) blockAt(x, y int) int { return y>>r.log2Ctb*r.ctbsX + x>>r.log2Ctb }

func (r *reader265) unitAt(x, y int) int { return y>>log2MinUnit*r.stride + x>>log2MinUnit }

// fill sets the units of a square block.
func (r *reader265) fill(values []uint8, x, y, log2Size int, v uint8) {
	n := 1 << (log2Size - log2MinUnit)
	at := r.unitAt(x, y)
	for range n {
		row := values[at : at+n]
		for i := range row {
			row[i] = v
		}
		at += r.stride
	}
}

// readTreeUnit reads coding_tree_unit.
func (r *reader265) readTreeUnit(raster int) {
	x, y := raster%r.ctbsX<<r.log2Ctb, raster/r.ctbsX<<r.log2Ctb
	if r.part.sao[0] || r.part.sao[1] {
		r.readSAO(x, y)
	}
	r.readQuadtree(x, y, r.log2Ctb, 0)
}

// readSAO reads sao (7.3.8.3).
func (r *reader265) readSAO(x, y int) {
	if r.hasLeft(x, y) && r.decodeBin(&r.contexts.saoMerge) {
		return
	}
	if r.hasAbove(x, y) && r.decodeBin(&r.contexts.saoMerge) {
		return
	}

	components := 3
	if r.chroma == 0 {
		components = 1
	}
	kind := 0 // SaoTypeIdx: 1 is band offset, 2 is edge offset
	for c := range components {
		if !r.part.sao[min(c, 1)] {
			continue
		}
		if c < 2 {
			kind = r.readSAOKind()
		}
		if kind == 0 {
			continue
		}

		most := 1<<(min(r.depths[min(c, 1)], 10)-5) - 1
		offsets := 0 // other than zero
		for range 4 {
			if r.readTruncated(most) > 0 {
				offsets++
			}
		}
		switch {
		case kind == 1:
			r.decodeBypassBits(offsets + 5) // signs, sao_band_position
		case c < 2:
			r.decodeBypassBits(2) // sao_eo_class
		}
	}
}

func (r *reader265) readSAOKind() int {
	switch {
	case !r.decodeBin(&r.contexts.saoType):
		return 0
	case r.decodeBypass():
		return 2
	}
	return 1
}

// readTruncated reads a truncated unary code of bypass bins.
func (r *reader265) readTruncated(most int) int {
	n := 0
	for n < most && r.decodeBypass() {
		n++
	}
	return n
}

// readQuadtree reads coding_quadtree.
func (r *reader265) readQuadtree(x, y, log2Size, depth int) {
	size := 1 << log2Size
	split := log2Size > r.log2MinCb
	if x+size <= r.width && y+size <= r.height && split {
		split = r.decodeBin(&r.contexts.split[r.splitContext(x, y, depth)])
	}
	if r.qpDelta && log2Size >= r.log2MinQPDelta {
		r.qpCoded = false
	}
	if r.part.chromaQP && log2Size >= r.log2MinChromaQP {
		r.chromaQPCoded = false
	}

	if !split {
		r.fill(r.depth, x, y, log2Size, uint8(depth))
		r.readUnit(x, y, log2Size)
		return
	}
	half := size / 2
	for n := range 4 {
		cx, cy := x+n&1*half, y+n>>1*half
		if cx < r.width && cy < r.height && !r.damaged && !r.overrun {
			r.readQuadtree(cx, cy, log2Size-1, depth+1)
		}
	}
}

// splitContext counts the neighbours that are split deeper (9.3.4.2.2).
func (r *reader265) splitContext(x, y, depth int) int {
	n := 0
	if r.hasLeft(x, y) && int(r.depth[r.unitAt(x-1, y)]) > depth {
		n++
	}
	if r.hasAbove(x, y) && int(r.depth[r.unitAt(x, y-1)]) > depth {
		n++
	}
	return n
}

// readUnit reads coding_unit of an all-intra slice (7.3.8.5).
func (r *reader265) readUnit(x, y, log2Size int) {
	r.unit = codingUnit265{x: x, y: y, size: log2Size}
	u := &r.unit
	u.bypass = r.bypass && r.decodeBin(&r.contexts.bypass)
	u.split = log2Size == r.log2MinCb && !r.decodeBin(&r.contexts.partMode)

	if !u.split && r.pcm && log2Size >= r.log2MinPCM && log2Size <= r.log2MaxPCM && r.decodeTerminate() {
		r.fill(r.mode, x, y, log2Size, dcMode)
		r.skipPCM(log2Size)
		return
	}

	r.readLumaModes()
	r.readChromaModes()
	depths := r.maxDepthIntra
	if u.split {
		depths++
	}
	r.readTransformTree(transformBlock{x: x, y: y, size: log2Size}, depths, [2]bool{true, true})
}

// skipPCM skips pcm_sample and begins anew after it.
func (r *reader265) skipPCM(log2Size int) {
	pos, ok := r.endByte()
	if !ok {
		r.damaged = true
		return
	}
	luma := 1 << (2 * log2Size)
	bits := luma * r.pcmDepths[0]
	switch r.chroma {
	case 1:
		bits += luma / 2 * r.pcmDepths[1]
	case 2:
		bits += luma * r.pcmDepths[1]
	case 3:
		bits += luma * 2 * r.pcmDepths[1]
	}
	r.cabac.start(pos + bits/8)
}
