package keyframe

// bitReader reads the fixed and Exp-Golomb coded fields of an RBSP
// (ISO/IEC 14496-10 7.2, 9.1). Reading past the end yields zeros and sets bad,
// which callers test once, after the last field.
type bitReader struct {
	data []byte
	pos  int // in bits
	bad  bool
}

// bits reads n ≤ 32 bits, most significant first.
func (r *bitReader) bits(n int) uint32 {
	if n > len(r.data)*8-r.pos {
		r.bad = true
		r.pos = len(r.data) * 8
		return 0
	}
	var v uint32
	for n > 0 {
		free := 8 - r.pos&7
		take := min(n, free)
		b := uint32(r.data[r.pos>>3]) >> (free - take) & (1<<take - 1)
		v = v<<take | b
		r.pos += take
		n -= take
	}
	return v
}

func (r *bitReader) flag() bool { return r.bits(1) == 1 }

func (r *bitReader) skip(n int) {
	if n > len(r.data)*8-r.pos {
		r.bad = true
		n = len(r.data)*8 - r.pos
	}
	r.pos += n
}

// ue reads an unsigned Exp-Golomb code.
func (r *bitReader) ue() uint32 {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 31 || r.bad {
			r.bad = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// se reads a signed Exp-Golomb code.
func (r *bitReader) se() int32 {
	k := r.ue()
	if k&1 == 1 {
		return int32(k>>1) + 1
	}
	return -int32(k >> 1)
}

// upTo reads an unsigned Exp-Golomb code that the standard bounds by limit.
func (r *bitReader) upTo(limit uint32) int {
	v := r.ue()
	if v > limit {
		r.bad = true
		return 0
	}
	return int(v)
}
