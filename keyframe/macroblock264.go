package keyframe

// cabac264 follows the syntax of an all-intra picture of H.264 that is coded with CABAC
// (ISO/IEC 14496-10 7.3.4, 7.3.5) without decoding it, to see whether its slices are
// whole.
type cabac264 struct {
	raster264
	cabac
	contexts [contexts264]uint8

	mbs   []macroblock264
	none  macroblock264 // beyond the slice
	delta bool          // mb_qp_delta of the macroblock before was not 0
	bad   bool
}

// macroblock264 is what later macroblocks need to know of one.
type macroblock264 struct {
	slice      int // 0 before it was read
	nxn        bool
	pcm        bool
	chromaMode bool // intra_chroma_pred_mode is not 0
	large      bool // transform_size_8x8_flag
	luma       uint8
	chroma     uint8
	dc         [3]bool // coded_block_flag of DC: luma, Cb, Cr
	blocks     uint16  // coded_block_flag of the luma blocks, in raster order
	ac         [2]uint8
}

func (r *cabac264) readSlice(h *slice264, header *bitReader, qp int) bool {
	for header.pos&7 != 0 {
		if !header.readFlag() { // cabac_alignment_one_bit
			return false
		}
	}
	if !r.startSlice(h) {
		return false
	}
	resetContexts264(&r.contexts, qp)
	r.cabac.data = trimZeros(header.data) // cabac_zero_words
	r.cabac.overrun, r.bad, r.delta = false, false, false
	r.cabac.start(header.pos >> 3)

	for r.next < r.pictureSize() {
		r.readMacroblock()
		if r.bad || r.overrun {
			return false
		}
		r.next++
		if r.decodeTerminate() { // end_of_slice_flag
			pos, ok := r.endByte264()
			return ok && pos == len(r.cabac.data)
		}
	}
	return false
}

// endByte264 is endByte for x264, too, which sets the last bit of the byte as well in half
// of its pictures (TestWholePictures).
func (r *cabac264) endByte264() (pos int, ok bool) {
	pos, ok = r.endByte()
	if ok || pos > len(r.cabac.data) {
		return pos, ok
	}
	return pos, r.cabac.data[pos-1]&^1<<((r.bitPos()-1)&7) == 0x80
}

// neighbours returns the macroblocks to the left and above, if they are of the slice.
func (r *cabac264) neighbours() (left, above *macroblock264) {
	left, above = &r.none, &r.none
	if r.next%r.width > 0 && r.mbs[r.next-1].slice == r.slice {
		left = &r.mbs[r.next-1]
	}
	if r.next >= r.width && r.mbs[r.next-r.width].slice == r.slice {
		above = &r.mbs[r.next-r.width]
	}
	return left, above
}

// contextOf adds up the conditions of two neighbours.
func contextOf(left, above bool, weight int) int {
	n := 0
	if left {
		n = 1
	}
	if above {
		n += weight
	}
	return n
}

func (r *cabac264) readBin(context int) bool { return r.decodeBin(&r.contexts[context]) }

// readMacroblock reads macroblock_layer of an I slice.
func (r *cabac264) readMacroblock() {
	left, above := r.neighbours()
	mb := &r.mbs[r.next]
	*mb = macroblock264{slice: r.slice}

	isOther := func(m *macroblock264) bool { return m.slice != 0 && !m.nxn }
	mb.nxn = !r.readBin(ctxMbType + contextOf(isOther(left), isOther(above), 1))
	if mb.nxn {
		mb.large = r.transform8x8 && r.readBin(ctxTransform8x8+contextOf(left.large, above.large, 1))
		r.readModes(mb.large)
	} else {
		if r.decodeTerminate() {
			r.skipPCM(mb)
			return
		}
		r.readType16x16(mb)
	}

	if r.chroma > 0 {
		mb.chromaMode = r.readBin(ctxChromaMode + contextOf(left.chromaMode, above.chromaMode, 1))
		if mb.chromaMode && r.readBin(ctxChromaMode+3) {
			r.readBin(ctxChromaMode + 3)
		}
	}
	if mb.nxn {
		r.readCodedBlocks(mb, left, above)
	}
	if mb.nxn && mb.luma == 0 && mb.chroma == 0 {
		r.delta = false
		return
	}
	r.readQPDelta()
	r.readLuma(mb, left, above)
	r.readChroma(mb, left, above)
}

// readType16x16 reads the rest of mb_type of Intra_16x16 (table 9-36).
func (r *cabac264) readType16x16(mb *macroblock264) {
	if r.readBin(ctxMbType + 3) {
		mb.luma = 15
	}
	if r.readBin(ctxMbType + 4) {
		mb.chroma = 1
		if r.readBin(ctxMbType + 5) {
			mb.chroma = 2
		}
	}
	r.readBin(ctxMbType + 6) // Intra16x16PredMode
	r.readBin(ctxMbType + 7)
}

// skipPCM skips the samples of I_PCM and begins anew after them.
func (r *cabac264) skipPCM(mb *macroblock264) {
	pos, ok := r.endByte264()
	if !ok {
		r.bad = true
		return
	}
	r.cabac.start(pos + r.bitsOfPCM()/8)
	r.delta = false
	mb.pcm, mb.luma, mb.chroma = true, 15, 2
	mb.dc, mb.blocks, mb.ac = [3]bool{true, true, true}, 0xffff, [2]uint8{0xff, 0xff}
}

// readModes reads the prediction modes of 16 or 4 blocks.
func (r *cabac264) readModes(large bool) {
	blocks := 16
	if large {
		blocks = 4
	}
	for range blocks {
		if !r.readBin(ctxPrevMode) {
			for range 3 {
				r.readBin(ctxRemMode)
			}
		}
	}
}

// readCodedBlocks reads coded_block_pattern.
func (r *cabac264) readCodedBlocks(mb, left, above *macroblock264) {
	for n := range 4 {
		a, b := mb.luma, mb.luma // the pattern of the macroblock with the block to the left, above
		inA, inB := true, true
		if n&1 == 0 {
			a, inA = left.luma, left.slice != 0
		}
		if n < 2 {
			b, inB = above.luma, above.slice != 0
		}
		zeroA, zeroB := inA && a>>(n^1)&1 == 0, inB && b>>(n^2)&1 == 0
		if r.readBin(ctxCodedLuma + contextOf(zeroA, zeroB, 2)) {
			mb.luma |= 1 << n
		}
	}

	if r.chroma > 0 && r.readBin(ctxCodedChroma+contextOf(left.chroma > 0, above.chroma > 0, 2)) {
		mb.chroma = 1
		if r.readBin(ctxCodedChroma + 4 + contextOf(left.chroma == 2, above.chroma == 2, 2)) {
			mb.chroma = 2
		}
	}
}

// maxQPDelta bounds the unary code of mb_qp_delta: twice the range of QP at 14 bits.
const maxQPDelta = 2 * (52 + 36)

func (r *cabac264) readQPDelta() {
	context := ctxQPDelta + contextOf(r.delta, false, 0)
	n := 0
	for r.readBin(context) {
		if n++; n > maxQPDelta {
			r.bad = true
			return
		}
		context = ctxQPDelta + min(n+1, 3)
	}
	r.delta = n > 0
}
