package keyframe

import (
	"math/bits"
)

// bitReader reads the fixed and Exp-Golomb coded fields of an RBSP
// (ISO/IEC 14496-10 7.2, 9.1). Reading past the end returns zeros and sets bad.
// Callers test it once, after the last field.
type bitReader struct {
	data []byte
	pos  int // in bits
	bad  bool
}

// readBits reads n ≤ 32 bits, most significant first.
func (r *bitReader) readBits(n int) uint32 {
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

func (r *bitReader) readFlag() bool { return r.readBits(1) == 1 }

func (r *bitReader) skipBits(n int) {
	if n > len(r.data)*8-r.pos {
		r.bad = true
		n = len(r.data)*8 - r.pos
	}
	r.pos += n
}

// readUE reads an unsigned Exp-Golomb code.
func (r *bitReader) readUE() uint32 {
	zeros := 0
	for !r.readFlag() {
		if zeros++; zeros > 31 || r.bad {
			r.bad = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.readBits(zeros)
}

// readSE reads a signed Exp-Golomb code.
func (r *bitReader) readSE() int32 {
	k := r.readUE()
	if k&1 == 1 {
		return int32(k>>1) + 1
	}
	return -int32(k >> 1)
}

// readSEWithin reads a signed Exp-Golomb code that the standard bounds.
func (r *bitReader) readSEWithin(least, most int32) int {
	v := r.readSE()
	if v < least || v > most {
		r.bad = true
		return 0
	}
	return int(v)
}

// readUEUpTo reads an unsigned Exp-Golomb code that the standard bounds by limit.
func (r *bitReader) readUEUpTo(limit uint32) int {
	v := r.readUE()
	if v > limit {
		r.bad = true
		return 0
	}
	return int(v)
}

// bitWriter is the counterpart of bitReader.
type bitWriter struct {
	data []byte
	free int // bits of the last byte that are not written
}

// writeBits writes the n lowest bits of v, most significant first.
func (w *bitWriter) writeBits(v uint32, n int) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.data, w.free = append(w.data, 0), 8
		}
		w.free--
		w.data[len(w.data)-1] |= byte(v>>n&1) << w.free
	}
}

// writeUE writes an unsigned Exp-Golomb code of v < 2³²−1.
func (w *bitWriter) writeUE(v uint32) {
	n := bits.Len32(v + 1)
	w.writeBits(0, n-1)
	w.writeBits(v+1, n)
}

// copyBits writes the bits of data from one position to another.
func (w *bitWriter) copyBits(data []byte, from, to int) {
	r := &bitReader{data: data, pos: from}
	for range to - from {
		w.writeBits(r.readBits(1), 1)
	}
}
