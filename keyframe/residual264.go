package keyframe

// isCoded reads coded_block_flag of a kind of block, whose neighbours' flags are given.
func (r *cabac264) isCoded(kind int, left, above bool) bool {
	return r.readBin(ctxCodedBlock + 4*kind + contextOf(left, above, 2))
}

// readLuma reads the coefficients of the luma samples.
func (r *cabac264) readLuma(mb, left, above *macroblock264) {
	kind, count := catLuma4x4, 16
	if !mb.nxn {
		kind, count = catLumaAC, 15
		if mb.dc[0] = r.isCoded(catLumaDC, left.dc[0] || left.slice == 0, above.dc[0] || above.slice == 0); mb.dc[0] {
			r.readBlock(catLumaDC, 16)
		}
	}

	for n := range 16 {
		if mb.luma>>(n>>2)&1 == 0 {
			continue
		}
		if mb.large {
			if n&3 == 0 {
				r.readBlock(catLuma8x8, 64)
			}
			mb.blocks |= 1 << rasterOf(n)
			continue
		}

		at := rasterOf(n)
		var a, b bool
		if at&3 > 0 {
			a = mb.blocks>>(at-1)&1 == 1
		} else {
			a = left.slice == 0 || left.blocks>>(at+3)&1 == 1
		}
		if at >= 4 {
			b = mb.blocks>>(at-4)&1 == 1
		} else {
			b = above.slice == 0 || above.blocks>>(at+12)&1 == 1
		}
		if r.isCoded(kind, a, b) {
			mb.blocks |= 1 << at
			r.readBlock(kind, count)
		}
	}
}

// rasterOf converts luma4x4BlkIdx to raster order (6.4.3).
func rasterOf(n int) int { return n&1 | n>>1&2 | (n>>1&1|n>>2&2)<<2 }

// readChroma reads the coefficients of the chroma samples.
func (r *cabac264) readChroma(mb, left, above *macroblock264) {
	if mb.chroma == 0 {
		return
	}
	blocks := 4 * r.chroma
	for c := range 2 {
		a := left.slice == 0 || left.dc[1+c]
		b := above.slice == 0 || above.dc[1+c]
		if mb.dc[1+c] = r.isCoded(catChromaDC, a, b); mb.dc[1+c] {
			r.readBlock(catChromaDC, blocks)
		}
	}
	if mb.chroma < 2 {
		return
	}

	for c := range 2 {
		for n := range blocks {
			var a, b bool
			if n&1 == 1 {
				a = mb.ac[c]>>(n-1)&1 == 1
			} else {
				a = left.slice == 0 || left.ac[c]>>(n+1)&1 == 1
			}
			if n >= 2 {
				b = mb.ac[c]>>(n-2)&1 == 1
			} else {
				b = above.slice == 0 || above.ac[c]>>(blocks-2+n)&1 == 1
			}
			if r.isCoded(catChromaAC, a, b) {
				mb.ac[c] |= 1 << n
				r.readBlock(catChromaAC, 15)
			}
		}
	}
}

// readBlock reads residual_block_cabac of a coded block of count coefficients.
func (r *cabac264) readBlock(kind, count int) {
	significant, last := firstSignificant264[r.field][kind], firstLast264[r.field][kind]
	coefficients := 1 // with the last one, which is inferred if no flag says so
	for n := range count - 1 {
		s, l := n, n
		switch kind {
		case catLuma8x8:
			s, l = int(significant8x8[r.field][n]), int(last8x8[n])
		case catChromaDC:
			s = min(n/r.chroma, 2)
			l = s
		}
		if r.readBin(significant + s) {
			if r.readBin(last + l) {
				break
			}
			coefficients++
		}
	}
	r.readLevels(kind, coefficients)
}

// readLevels reads coeff_abs_level_minus1 and coeff_sign_flag.
func (r *cabac264) readLevels(kind, count int) {
	first := firstLevel264[kind]
	most := 4
	if kind == catChromaDC {
		most = 3
	}
	ones, greater := 0, 0
	for range count {
		context := first
		if greater == 0 {
			context += min(4, 1+ones)
		}
		if !r.readBin(context) {
			ones++
		} else {
			r.readGreater(first + 5 + min(most, greater))
			greater++
		}
		r.decodeBypass()
	}
}

// readGreater reads the rest of a level above 1: up to 13 more bins of its prefix, and
// an Exp-Golomb code.
func (r *cabac264) readGreater(context int) {
	for n := 1; n < 14; n++ {
		if !r.readBin(context) {
			return
		}
	}
	k := 0
	for r.decodeBypass() {
		if k++; k > 24 {
			r.bad = true
			return
		}
	}
	r.decodeBypassBits(k)
}
