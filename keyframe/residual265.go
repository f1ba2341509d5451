package keyframe

// scanOrder of sub-blocks or of coefficients: the positions of a square in the order
// of 6.5.3 to 6.5.5, x and y in 3 bits each.
type scanOrder []uint8

func (s scanOrder) at(n int) (x, y int) { return int(s[n] & 7), int(s[n] >> 3) }

// find returns the number of a position.
func (s scanOrder) find(x, y int) int {
	for n, v := range s {
		if v == uint8(y<<3|x) {
			return n
		}
	}
	return 0
}

// scanOrders holds the orders of squares of 1, 2, 4 and 8: up-right diagonal,
// horizontal, vertical (scanIdx).
var scanOrders = func() (orders [4][3]scanOrder) {
	for log2 := range orders {
		size := 1 << log2
		for sum := range 2*size - 1 {
			for x := range size {
				if y := sum - x; y >= 0 && y < size {
					orders[log2][0] = append(orders[log2][0], uint8(y<<3|x))
				}
			}
		}
		for a := range size {
			for b := range size {
				orders[log2][1] = append(orders[log2][1], uint8(a<<3|b))
				orders[log2][2] = append(orders[log2][2], uint8(b<<3|a))
			}
		}
	}
	return orders
}()

// scanOf returns scanIdx (7.4.9.11).
func (r *reader265) scanOf(log2Size, component int, mode uint8) int {
	if log2Size > 3 || (log2Size == 3 && component > 0 && r.chroma != 3) {
		return 0
	}
	switch {
	case mode >= 6 && mode <= 14:
		return 2
	case mode >= 22 && mode <= 30:
		return 1
	}
	return 0
}

// residual265 is a block of coefficients that is being read.
type residual265 struct {
	size, component, scan int
	lastX, lastY          int
	raw                   bool // neither transformed nor, with bypass, quantised
	direct                bool // implicit RDPCM hides no sign
	codedBlocks           [8][8]bool
	zeroGreater           bool // the last sub-block ended with greater1Ctx 0
}

// readResidual reads residual_coding (7.3.8.11).
func (r *reader265) readResidual(log2Size, component int, mode uint8) {
	b := &residual265{size: log2Size, component: component, scan: r.scanOf(log2Size, component, mode)}
	kind := min(component, 1)
	skip := r.transformSkip && !r.unit.bypass && log2Size <= r.log2MaxSkip && r.decodeBin(&r.contexts.transformSkip[kind])
	b.raw = skip || r.unit.bypass
	b.direct = r.unit.bypass || (r.implicitRDPCM && skip && (mode == horizontalMode || mode == verticalMode))
	r.readLast(b)
	if r.damaged {
		return
	}

	blocks, within := scanOrders[log2Size-2][b.scan], scanOrders[2][b.scan]
	lastBlock := blocks.find(b.lastX>>2, b.lastY>>2)
	lastPlace := within.find(b.lastX&3, b.lastY&3)
	for n := lastBlock; n >= 0 && !r.damaged && !r.overrun; n-- {
		from := 15
		if n == lastBlock {
			from = lastPlace
		}
		x, y := blocks.at(n)
		r.readSubBlock(b, subBlock{x, y, n == lastBlock, n == 0, from}, within)
	}
}

// readLast reads the position of the last significant coefficient.
func (r *reader265) readLast(b *residual265) {
	offset, shift := 15, b.size-2
	if b.component == 0 {
		offset, shift = 3*(b.size-2)+(b.size-1)>>2, (b.size+1)>>2
	}

	var prefix [2]int
	for axis := range prefix {
		n := 0
		for n < 2*b.size-1 && r.decodeBin(&r.contexts.last[axis][offset+n>>shift]) {
			n++
		}
		prefix[axis] = n
	}
	for axis, n := range prefix {
		if n > 3 {
			bits := n>>1 - 1
			prefix[axis] = (2+n&1)<<bits + int(r.decodeBypassBits(bits))
		}
	}

	b.lastX, b.lastY = prefix[0], prefix[1]
	if b.scan == 2 {
		b.lastX, b.lastY = b.lastY, b.lastX
	}
	if max(b.lastX, b.lastY) >= 1<<b.size {
		r.damaged = true
	}
}

// subBlock is a block of 4x4 coefficients. from is the place of its last one.
type subBlock struct {
	x, y        int
	last, first bool
	from        int
}

// readSubBlock reads the coefficients of a sub-block.
func (r *reader265) readSubBlock(b *residual265, s subBlock, within scanOrder) {
	right := s.x < 7 && b.codedBlocks[s.y][s.x+1]
	below := s.y < 7 && b.codedBlocks[s.y+1][s.x]
	kind := min(b.component, 1)

	coded, inferDC := true, false
	if !s.last && !s.first {
		neighbours := 0
		if right || below {
			neighbours = 1
		}
		coded = r.decodeBin(&r.contexts.codedBlock[2*kind+neighbours])
		inferDC = true
	}
	if !coded {
		return
	}
	b.codedBlocks[s.y][s.x] = true

	var places [16]int // of significant coefficients, the last one first
	count := 0
	from := s.from
	if s.last {
		places[0], count = from, 1
		from--
	}
	table, offset := r.significanceContexts(b, s.first, right, below)
	for n := from; n > 0; n-- {
		if r.decodeBin(&r.contexts.significant[offset+int(table[within[n]&31])]) {
			places[count] = n
			count++
			inferDC = false
		}
	}
	if from >= 0 && (inferDC || r.decodeBin(&r.contexts.significant[r.contextOfDC(b, s.first, table, offset)])) {
		places[count] = 0
		count++
	}
	if count > 0 {
		r.readLevels(b, s, places[:count])
	}
}

// significanceContexts returns ctxInc of sig_coeff_flag (9.3.4.2.5) for a sub-block: an
// offset, and what each position adds to it, except for the DC coefficient.
func (r *reader265) significanceContexts(b *residual265, first, right, below bool) (table *[32]uint8, offset int) {
	if r.skipContext && b.raw {
		return &flatContexts, 42 + min(b.component, 1)
	}

	if b.component > 0 {
		offset = 27
	}
	pattern := 0
	if right {
		pattern = 1
	}
	if below {
		pattern += 2
	}
	switch {
	case b.size == 2:
		return &smallContexts, offset
	case b.component > 0 && b.size == 3:
		return &patternContexts[pattern], offset + 9
	case b.component > 0:
		return &patternContexts[pattern], offset + 12
	}

	if !first {
		offset += 3
	}
	switch {
	case b.size != 3:
		offset += 21
	case b.scan == 0:
		offset += 9
	default:
		offset += 15
	}
	return &patternContexts[pattern], offset
}

// contextOfDC returns ctxInc of the first coefficient of a sub-block.
func (r *reader265) contextOfDC(b *residual265, first bool, table *[32]uint8, offset int) int {
	switch {
	case !first || table == &flatContexts:
		return offset + int(table[0])
	case b.component > 0:
		return 27
	}
	return 0
}

// The contexts of the positions of a sub-block, x and y in 3 bits each.
var (
	flatContexts [32]uint8

	// smallContexts is ctxIdxMap (table 9-50) of blocks of 4x4.
	smallContexts = [32]uint8{0, 1, 4, 5, 0, 0, 0, 0, 2, 3, 4, 5, 0, 0, 0, 0, 6, 6, 8, 8, 0, 0, 0, 0, 7, 7, 8, 8}

	// patternContexts are those of larger ones, by whether the sub-block to the right
	// has coefficients (1) and the one below (2).
	patternContexts = func() (tables [4][32]uint8) {
		for x := range 4 {
			for y := range 4 {
				at := y<<3 | x
				tables[0][at] = uint8(max(2-(x+y+1)/2, 0))
				tables[1][at] = uint8(max(2-y, 0))
				tables[2][at] = uint8(max(2-x, 0))
				tables[3][at] = 2
			}
		}
		return tables
	}()
)

// readLevels reads the levels and signs of the significant coefficients.
func (r *reader265) readLevels(b *residual265, s subBlock, places []int) {
	set := 0
	if !s.first && b.component == 0 {
		set = 2
	}
	if b.zeroGreater {
		set++
	}
	chroma := min(b.component, 1)

	var base [16]int
	greater := 1 // greater1Ctx
	second := -1 // the coefficient with coeff_abs_level_greater2_flag
	for n := range min(len(places), 8) {
		if r.decodeBin(&r.contexts.greater1[chroma*16+set*4+greater]) {
			base[n] = 1
			greater = 0
			if second < 0 {
				second = n
			}
		} else if greater > 0 && greater < 3 {
			greater++
		}
	}
	b.zeroGreater = greater == 0
	if second >= 0 && r.decodeBin(&r.contexts.greater2[chroma*4+set]) {
		base[second]++
	}

	signs := len(places)
	if r.signHiding && !b.direct && places[0]-places[len(places)-1] > 3 {
		signs--
	}
	r.decodeBypassBits(signs)
	r.readRemaining(b, base[:len(places)], second)
}

// readRemaining reads coeff_abs_level_remaining of those coefficients that need it.
func (r *reader265) readRemaining(b *residual265, base []int, second int) {
	stat := &r.contexts.riceStats[0]
	if r.persistentRice {
		n := 0
		if b.component == 0 {
			n = 2
		}
		if b.raw {
			n++
		}
		stat = &r.contexts.riceStats[n]
	}

	rice := int(*stat) / 4
	first := true
	for n, extra := range base {
		most := 1 // that the flags can say
		switch {
		case n >= 8:
			most = 0
		case n == second:
			most = 2
		}
		if extra != most {
			continue
		}

		rest := r.readRice(rice)
		if 1+extra+rest > 3<<rice {
			rice++
			if !r.persistentRice {
				rice = min(rice, 4)
			}
		}
		if first && r.persistentRice {
			switch {
			case rest >= 3<<(*stat/4):
				*stat++
			case 2*rest < 1<<(*stat/4) && *stat > 0:
				*stat--
			}
		}
		first = false
	}
}

// readRice reads a binarisation of 9.3.3.11.
func (r *reader265) readRice(rice int) int {
	prefix := 0
	for r.decodeBypass() {
		if prefix++; prefix > 32 {
			r.damaged = true
			return 0
		}
	}
	if prefix <= 3 {
		return prefix<<rice + int(r.decodeBypassBits(rice))
	}
	return (1<<(prefix-3)+3-1)<<rice + int(r.decodeBypassBits(prefix-3+rice))
}
