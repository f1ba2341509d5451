package keyframe

import "math/bits"

// cavlc264 follows the syntax of an all-intra picture of H.264 that is coded with CAVLC
// (ISO/IEC 14496-10 7.3.4, 7.3.5), as cabac264 does.
type cavlc264 struct {
	raster264
	bits *bitReader
	mbs  []counts264
}

// counts264 is what later macroblocks need to know of one: how many coefficients its
// blocks have, those of luma in raster order.
type counts264 struct {
	slice  int // 0 before it was read
	luma   [16]uint8
	chroma [2][8]uint8
}

func (r *cavlc264) readSlice(h *slice264, header *bitReader, _ int) bool {
	if !r.startSlice(h) {
		return false
	}
	data := trimZeros(header.data)
	if len(data) == 0 {
		return false
	}
	r.bits = &bitReader{data: data, pos: header.pos}
	end := len(data)*8 - 1 - bits.TrailingZeros8(data[len(data)-1]) // of rbsp_stop_one_bit

	for r.next < r.pictureSize() {
		r.readMacroblock()
		if r.bits.bad || r.bits.pos > end {
			return false
		}
		r.next++
		if r.bits.pos == end {
			return true
		}
	}
	return false
}

// neighbours returns the macroblocks to the left and above, or nil for those that are
// not of the slice.
func (r *cavlc264) neighbours() (left, above *counts264) {
	if r.next%r.width > 0 && r.mbs[r.next-1].slice == r.slice {
		left = &r.mbs[r.next-1]
	}
	if r.next >= r.width && r.mbs[r.next-r.width].slice == r.slice {
		above = &r.mbs[r.next-r.width]
	}
	return left, above
}

// Values of mb_type in I slices (table 7-11).
const (
	mbTypeNxN    = 0
	mbTypePCM    = 25
	maxMbType264 = 25
)

// readMacroblock reads macroblock_layer of an I slice.
func (r *cavlc264) readMacroblock() {
	left, above := r.neighbours()
	mb := &r.mbs[r.next]
	*mb = counts264{slice: r.slice}

	mbType := r.bits.readUEUpTo(maxMbType264)
	if mbType == mbTypePCM {
		r.skipPCM(mb)
		return
	}
	luma, chroma := 0, 0
	if mbType == mbTypeNxN {
		r.readModes()
	} else {
		chroma = (mbType - 1) / 4 % 3
		if mbType > 12 {
			luma = 15
		}
		r.checkMode((mbType-1)%4, left, above, 0, 1)
	}
	if r.chroma > 0 {
		r.checkMode(r.bits.readUEUpTo(3), left, above, 2, 1) // intra_chroma_pred_mode
	}
	if mbType == mbTypeNxN {
		luma, chroma = r.readCodedBlocks()
		if luma == 0 && chroma == 0 {
			return
		}
	}

	most := int32(26 + 3*(r.depths[0]-8))
	r.bits.readSEWithin(-most, most-1) // mb_qp_delta
	r.readLuma(mb, left, above, mbType != mbTypeNxN, luma)
	r.readChroma(mb, left, above, chroma)
}

// checkMode rejects a prediction of the whole macroblock from samples that there are not
// (8.3.3, 8.3.4). The vertical and the horizontal mode have the given numbers, the plane
// mode is 3.
func (r *cavlc264) checkMode(mode int, left, above *counts264, vertical, horizontal int) {
	const plane = 3
	switch {
	case (mode == vertical || mode == plane) && above == nil,
		(mode == horizontal || mode == plane) && left == nil,
		mode == plane && r.mbs[r.next-r.width-1].slice != r.slice:
		r.bits.bad = true
	}
}

// readModes reads the prediction modes of 16 or 4 blocks.
func (r *cavlc264) readModes() {
	blocks := 16
	if r.transform8x8 && r.bits.readFlag() { // transform_size_8x8_flag
		blocks = 4
	}
	for range blocks {
		if !r.bits.readFlag() { // prev_intra_pred_mode_flag
			r.bits.skipBits(3)
		}
	}
}

// skipPCM skips the samples of I_PCM.
func (r *cavlc264) skipPCM(mb *counts264) {
	for r.bits.pos&7 != 0 {
		if r.bits.readFlag() { // pcm_alignment_zero_bit
			r.bits.bad = true
		}
	}
	r.bits.skipBits(r.bitsOfPCM())
	for n := range mb.luma {
		mb.luma[n] = 16
	}
	for n := range mb.chroma[0] {
		mb.chroma[0][n], mb.chroma[1][n] = 16, 16
	}
}

// codedBlocks264 maps coded_block_pattern of intra macroblocks (table 9-4), with and
// without chroma.
var (
	codedBlocks264 = [48]uint8{
		47, 31, 15, 0, 23, 27, 29, 30, 7, 11, 13, 14, 39, 43, 45, 46, 16, 3, 5, 10, 12, 19, 21, 26,
		28, 35, 37, 42, 44, 1, 2, 4, 8, 17, 18, 20, 24, 6, 9, 22, 25, 32, 33, 34, 36, 40, 38, 41,
	}
	codedBlocksGrey264 = [16]uint8{15, 0, 7, 11, 13, 14, 3, 5, 10, 12, 1, 2, 4, 8, 6, 9}
)

func (r *cavlc264) readCodedBlocks() (luma, chroma int) {
	if r.chroma == 0 {
		return int(codedBlocksGrey264[r.bits.readUEUpTo(15)]), 0
	}
	pattern := codedBlocks264[r.bits.readUEUpTo(47)]
	return int(pattern & 15), int(pattern >> 4)
}

// readLuma reads the coefficients of the luma samples. An 8x8 block is four of 4x4.
func (r *cavlc264) readLuma(mb, left, above *counts264, is16x16 bool, coded int) {
	most := 16
	if is16x16 {
		most = 15
		r.readBlock(tokenCodes264(r.expectLuma(mb, left, above, 0)), zerosCodes, 16) // DC
	}
	for n := range 16 {
		if coded>>(n>>2)&1 == 0 {
			continue
		}
		at := rasterOf(n)
		mb.luma[at] = r.readBlock(tokenCodes264(r.expectLuma(mb, left, above, at)), zerosCodes, most)
	}
}

// expectLuma returns nC of a block (9.2.1).
func (r *cavlc264) expectLuma(mb, left, above *counts264, at int) int {
	a, b := -1, -1
	switch {
	case at&3 > 0:
		a = int(mb.luma[at-1])
	case left != nil:
		a = int(left.luma[at+3])
	}
	switch {
	case at >= 4:
		b = int(mb.luma[at-4])
	case above != nil:
		b = int(above.luma[at+12])
	}
	return meanCount(a, b)
}

// meanCount returns nC of the counts to the left and above, which are −1 if there is no
// such block.
func meanCount(a, b int) int {
	switch {
	case a >= 0 && b >= 0:
		return (a + b + 1) / 2
	case a >= 0:
		return a
	}
	return max(b, 0)
}

// readChroma reads the coefficients of the chroma samples.
func (r *cavlc264) readChroma(mb, left, above *counts264, coded int) {
	if coded == 0 {
		return
	}
	blocks, tokens, zeros := 4, tokenCodeChromaDC, zerosCodesChromaDC
	if r.chroma == 2 {
		blocks, tokens, zeros = 8, tokenCodeChromaDC422, zerosCodesChromaDC422
	}
	for range 2 {
		r.readBlock(tokens, zeros, blocks)
	}
	if coded == 1 {
		return
	}

	for c := range 2 {
		for n := range blocks {
			a, b := -1, -1
			switch {
			case n&1 == 1:
				a = int(mb.chroma[c][n-1])
			case left != nil:
				a = int(left.chroma[c][n+1])
			}
			switch {
			case n >= 2:
				b = int(mb.chroma[c][n-2])
			case above != nil:
				b = int(above.chroma[c][blocks-2+n])
			}
			mb.chroma[c][n] = r.readBlock(tokenCodes264(meanCount(a, b)), zerosCodes, 15)
		}
	}
}
