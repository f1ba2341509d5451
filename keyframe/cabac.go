package keyframe

import "math/bits"

// cabac is the arithmetic decoder of H.264 and H.265 (ISO/IEC 14496-10 9.3.1.2,
// 9.3.3.2; ISO/IEC 23008-2 9.3.4.3). Past the end it reads zeros and sets overrun.
type cabac struct {
	data    []byte
	pos     int    // of the next byte
	value   uint64 // ivlOffset, followed by spare bits that were read ahead
	spare   int    // 16 to 63 between decisions
	rng     uint32 // ivlCurrRange
	overrun bool
}

// cabacAhead is how many bytes may be read ahead of those that were decoded.
const cabacAhead = 8

// start begins at a byte of data (9.3.2.5).
func (c *cabac) start(pos int) {
	c.pos, c.value, c.spare, c.rng = pos, 0, -9, 510
	c.refill()
}

// refill keeps more spare bits than one decision takes.
func (c *cabac) refill() {
	for c.spare <= 40 {
		var next byte
		if c.pos < len(c.data) {
			next = c.data[c.pos]
		} else if c.pos > len(c.data)+cabacAhead {
			c.overrun = true
		}
		c.pos++
		c.value = c.value<<8 | uint64(next)
		c.spare += 8
	}
}

// bitPos returns the position of the first bit after ivlOffset.
func (c *cabac) bitPos() int { return c.pos*8 - c.spare }

// initialState returns pStateIdx << 1 | valMps of a context with the values m and n, at a
// QP of 0 to 51.
func initialState(m, n, qp int) uint8 {
	state := min(max(m*qp>>4+n, 1), 126)
	if state <= 63 {
		return uint8(63-state) << 1
	}
	return uint8(state-64)<<1 | 1
}

// decodeBin decodes a bin with a context, whose state is pStateIdx << 1 | valMps.
func (c *cabac) decodeBin(state *uint8) bool {
	if c.spare < 16 {
		c.refill()
	}
	s := *state & 127
	lps := uint32(rangeLPS[s>>1][c.rng>>6&3])
	rng := c.rng - lps

	if scaled := uint64(rng) << (c.spare & 63); c.value >= scaled {
		c.value -= scaled
		shift := bits.LeadingZeros32(lps) - 23
		c.rng = lps << (shift & 31)
		c.spare -= shift
		*state = nextLPS[s]
		return s&1 == 0
	}

	if s < 62<<1 {
		*state = s + 2
	}
	if rng < 256 {
		rng <<= 1
		c.spare--
	}
	c.rng = rng
	return s&1 == 1
}

// decodeBypass decodes a bin of equal probabilities.
func (c *cabac) decodeBypass() bool {
	if c.spare < 16 {
		c.refill()
	}
	c.spare--
	scaled := uint64(c.rng) << (c.spare & 63)
	if c.value < scaled {
		return false
	}
	c.value -= scaled
	return true
}

// decodeBypassBits decodes n bins, most significant first.
func (c *cabac) decodeBypassBits(n int) uint32 {
	v := uint32(0)
	for range n {
		v <<= 1
		if c.decodeBypass() {
			v |= 1
		}
	}
	return v
}

// decodeTerminate decodes the bin before the end of a slice or of PCM samples.
func (c *cabac) decodeTerminate() bool {
	if c.spare < 16 {
		c.refill()
	}
	c.rng -= 2
	if c.value >= uint64(c.rng)<<(c.spare&63) {
		return true
	}
	if c.rng < 256 {
		c.rng <<= 1
		c.spare--
	}
	return false
}

// endByte returns the position of the first byte after the one with the bit 1 that
// an encoder writes after a terminating bin. ok is false if that bit, or one of the
// zeros after it in its byte, has another value.
func (c *cabac) endByte() (pos int, ok bool) {
	stop := c.bitPos() - 1
	pos = stop>>3 + 1
	if pos > len(c.data) {
		return pos, false
	}
	return pos, c.data[pos-1]<<(stop&7) == 0x80
}

// rangeLPS is rangeTabLps (tables 9-44 and 9-52).
var rangeLPS = [64][4]uint8{
	{128, 176, 208, 240},
	{128, 167, 197, 227},
	{128, 158, 187, 216},
	{123, 150, 178, 205},
	{116, 142, 169, 195},
	{111, 135, 160, 185},
	{105, 128, 152, 175},
	{100, 122, 144, 166},
	{95, 116, 137, 158},
	{90, 110, 130, 150},
	{85, 104, 123, 142},
	{81, 99, 117, 135},
	{77, 94, 111, 128},
	{73, 89, 105, 122},
	{69, 85, 100, 116},
	{66, 80, 95, 110},
	{62, 76, 90, 104},
	{59, 72, 86, 99},
	{56, 69, 81, 94},
	{53, 65, 77, 89},
	{51, 62, 73, 85},
	{48, 59, 69, 80},
	{46, 56, 66, 76},
	{43, 53, 63, 72},
	{41, 50, 59, 69},
	{39, 48, 56, 65},
	{37, 45, 54, 62},
	{35, 43, 51, 59},
	{33, 41, 48, 56},
	{32, 39, 46, 53},
	{30, 37, 43, 50},
	{29, 35, 41, 48},
	{27, 33, 39, 45},
	{26, 31, 37, 43},
	{24, 30, 35, 41},
	{23, 28, 33, 39},
	{22, 27, 32, 37},
	{21, 26, 30, 35},
	{20, 24, 29, 33},
	{19, 23, 27, 31},
	{18, 22, 26, 30},
	{17, 21, 25, 28},
	{16, 20, 23, 27},
	{15, 19, 22, 25},
	{14, 18, 21, 24},
	{14, 17, 20, 23},
	{13, 16, 19, 22},
	{12, 15, 18, 21},
	{12, 14, 17, 20},
	{11, 14, 16, 19},
	{11, 13, 15, 18},
	{10, 12, 15, 17},
	{10, 12, 14, 16},
	{9, 11, 13, 15},
	{9, 11, 12, 14},
	{8, 10, 12, 14},
	{8, 9, 11, 13},
	{7, 9, 11, 12},
	{7, 9, 10, 12},
	{7, 8, 10, 11},
	{6, 8, 9, 11},
	{6, 7, 9, 10},
	{6, 7, 8, 9},
	{2, 2, 2, 2},
}

// nextStateLPS is transIdxLps (tables 9-45 and 9-53).
var nextStateLPS = [64]uint8{
	0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12,
	13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
	24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33,
	33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37, 38, 38, 63,
}

// nextLPS holds the state of a context after the less probable bin.
var nextLPS = func() (next [128]uint8) {
	for s := range next {
		mps := uint8(s & 1)
		if s>>1 == 0 {
			mps ^= 1
		}
		next[s] = nextStateLPS[s>>1]<<1 | mps
	}
	return next
}()
