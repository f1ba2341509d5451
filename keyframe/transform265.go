package keyframe

// transformBlock is a node of a transform tree.
type transformBlock struct {
	x, y   int
	size   int // log2
	depth  int
	number int // blkIdx
}

// readTransformTree reads transform_tree (7.3.8.8). chroma says which chroma
// components of the parent have coefficients.
func (r *reader265) readTransformTree(t transformBlock, maxDepth int, chroma [2]bool) {
	split := t.size > r.log2MaxTb || (r.unit.split && t.depth == 0)
	if t.size <= r.log2MaxTb && t.size > r.log2MinTb && t.depth < maxDepth && !(r.unit.split && t.depth == 0) {
		split = r.decodeBin(&r.contexts.splitTransform[5-t.size])
	}

	var coded [2][2]bool // cbf_cb, cbf_cr, in 4:2:2 one above the other
	if r.chroma == 3 || (t.size > 2 && r.chroma != 0) {
		for c := range coded {
			if !chroma[c] {
				continue
			}
			coded[c][0] = r.decodeBin(&r.contexts.codedChroma[t.depth])
			if r.chroma == 2 && (!split || t.size == 3) {
				coded[c][1] = r.decodeBin(&r.contexts.codedChroma[t.depth])
			}
		}
	} else if t.size == 2 && r.chroma != 0 {
		coded = r.parentChroma
	}

	if !split {
		luma := 0
		if t.depth == 0 {
			luma = 1
		}
		r.readTransformUnit(t, r.decodeBin(&r.contexts.codedLuma[luma]), coded)
		return
	}

	half := 1 << (t.size - 1)
	for n := range 4 {
		if r.damaged || r.overrun {
			return
		}
		child := transformBlock{t.x + n&1*half, t.y + n>>1*half, t.size - 1, t.depth + 1, n}
		r.parentChroma = coded
		r.readTransformTree(child, maxDepth, [2]bool{coded[0][0] || coded[0][1], coded[1][0] || coded[1][1]})
	}
}

// readTransformUnit reads transform_unit (7.3.8.10).
func (r *reader265) readTransformUnit(t transformBlock, luma bool, coded [2][2]bool) {
	chroma := coded != [2][2]bool{}
	if !luma && !chroma {
		return
	}
	if r.qpDelta && !r.qpCoded {
		r.qpCoded = true
		r.readQPDelta()
	}
	if r.part.chromaQP && chroma && !r.unit.bypass && !r.chromaQPCoded {
		r.chromaQPCoded = true
		r.readChromaQPOffset()
	}

	part := 0
	if r.unit.split {
		half := 1 << (r.unit.size - 1)
		part = (t.y-r.unit.y)/half*2 + (t.x-r.unit.x)/half
	}
	if luma {
		r.readResidual(t.size, 0, r.unit.luma[part])
	}

	size := t.size
	switch {
	case r.chroma == 0:
		return
	case r.chroma == 3:
	case t.size > 2:
		size--
	case t.number != 3:
		return // the four luma blocks share their chroma
	}
	if r.chroma != 3 {
		part = 0
	}
	for c, blocks := range coded {
		if r.crossComponent && luma && r.unit.derived[part] {
			r.readCrossComponent(c)
		}
		for _, present := range blocks {
			if present {
				r.readResidual(size, c+1, r.unit.chroma[part])
			}
		}
	}
}

// readQPDelta reads cu_qp_delta_abs and cu_qp_delta_sign_flag.
func (r *reader265) readQPDelta() {
	n := 0
	for n < 5 && r.decodeBin(&r.contexts.qpDelta[min(n, 1)]) {
		n++
	}
	if n == 5 {
		n += r.readExpGolomb(0)
	}
	if n > 0 {
		r.decodeBypass()
	}
}

func (r *reader265) readChromaQPOffset() {
	if !r.decodeBin(&r.contexts.chromaQP[0]) {
		return
	}
	for n := 1; n < r.chromaQPOffsets && r.decodeBin(&r.contexts.chromaQP[1]); n++ {
	}
}

// readCrossComponent reads cross_comp_pred.
func (r *reader265) readCrossComponent(c int) {
	n := 0
	for n < 4 && r.decodeBin(&r.contexts.crossScale[4*c+n]) {
		n++
	}
	if n > 0 {
		r.decodeBin(&r.contexts.crossSign[c])
	}
}

// readExpGolomb reads an Exp-Golomb code of order k of bypass bins (9.3.3.3).
func (r *reader265) readExpGolomb(k int) int {
	v := 0
	for r.decodeBypass() {
		v += 1 << k
		if k++; k > 31 {
			r.damaged = true
			return 0
		}
	}
	return v + int(r.decodeBypassBits(k))
}
