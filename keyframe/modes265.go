package keyframe

// readLumaModes reads the modes of one or four prediction blocks.
func (r *reader265) readLumaModes() {
	u := &r.unit
	blocks, size := 1, u.size
	if u.split {
		blocks, size = 4, u.size-1
	}

	var likely [4]bool // prev_intra_luma_pred_flag
	for n := range blocks {
		likely[n] = r.decodeBin(&r.contexts.prevMode)
	}
	for n := range blocks {
		x, y := u.x+n&1<<size, u.y+n>>1<<size
		candidates := r.likelyModes(x, y)
		if likely[n] {
			u.luma[n] = candidates[r.readTruncated(2)]
		} else {
			u.luma[n] = remainingMode(candidates, uint8(r.decodeBypassBits(5)))
		}
		r.fill(r.mode, x, y, size, u.luma[n])
	}
}

// likelyModes returns candModeList (8.4.2).
func (r *reader265) likelyModes(x, y int) [3]uint8 {
	left, above := uint8(dcMode), uint8(dcMode)
	if r.hasLeft(x, y) {
		left = r.mode[r.unitAt(x-1, y)]
	}
	if y&(1<<r.log2Ctb-1) != 0 { // no modes of the row of blocks above
		above = r.mode[r.unitAt(x, y-1)]
	}

	switch {
	case left == above && left < 2:
		return [3]uint8{planarMode, dcMode, verticalMode}
	case left == above:
		return [3]uint8{left, 2 + (left+29)%32, 2 + (left-2+1)%32}
	case left != planarMode && above != planarMode:
		return [3]uint8{left, above, planarMode}
	case left != dcMode && above != dcMode:
		return [3]uint8{left, above, dcMode}
	}
	return [3]uint8{left, above, verticalMode}
}

// remainingMode returns the mode that rem_intra_luma_pred_mode means.
func remainingMode(c [3]uint8, mode uint8) uint8 {
	if c[0] > c[1] {
		c[0], c[1] = c[1], c[0]
	}
	if c[0] > c[2] {
		c[0], c[2] = c[2], c[0]
	}
	if c[1] > c[2] {
		c[1], c[2] = c[2], c[1]
	}
	for _, likely := range c {
		if mode >= likely {
			mode++
		}
	}
	return mode
}

// readChromaModes reads intra_chroma_pred_mode.
func (r *reader265) readChromaModes() {
	u := &r.unit
	if r.chroma == 0 {
		return
	}
	blocks := 1
	if u.split && r.chroma == 3 {
		blocks = 4
	}
	for n := range blocks {
		u.chroma[n], u.derived[n] = r.readChromaMode(u.luma[n])
	}
	for n := blocks; n < 4; n++ {
		u.chroma[n], u.derived[n] = u.chroma[0], u.derived[0]
	}
}

// readChromaMode returns IntraPredModeC (8.4.3).
func (r *reader265) readChromaMode(luma uint8) (mode uint8, derived bool) {
	mode, derived = luma, true
	if r.decodeBin(&r.contexts.chromaMode) {
		mode = [4]uint8{planarMode, verticalMode, horizontalMode, dcMode}[r.decodeBypassBits(2)]
		if mode == luma {
			mode = 34
		}
		derived = false
	}
	if r.chroma == 2 {
		mode = modes422[mode]
	}
	return mode, derived
}

// modes422 is table 8-3.
var modes422 = [35]uint8{
	0, 1, 2, 2, 2, 2, 3, 5, 7, 8, 10, 11, 13, 15, 16, 18, 19, 20,
	21, 22, 23, 23, 24, 24, 25, 25, 26, 27, 27, 28, 28, 29, 29, 30, 31,
}
