package keyframe

import "testing"

// TestNALTypes checks the methods of Codec on NAL unit types with every type.
func TestNALTypes(t *testing.T) {
	within := func(from, to int) func(int) bool { return func(n int) bool { return n >= from && n <= to } }
	one := func(n int) func(int) bool { return within(n, n) }
	never := func(int) bool { return false }
	for _, c := range []struct {
		name         string
		is           func(Codec, []byte) bool
		of264, of265 func(nalType int) bool
	}{
		{"VPS", Codec.IsVPS, never, one(32)},
		{"SPS", Codec.IsSPS, one(7), one(33)},
		{"PPS", Codec.IsPPS, one(8), one(34)},
		{"parameter set", Codec.IsParameterSet, within(7, 8), within(32, 34)},
		{"slice", Codec.IsSlice, within(1, 5), within(0, 31)},
		{"random access", Codec.IsRandomAccess, one(5), within(16, 21)},
		{"access unit delimiter", Codec.IsAccessUnitDelimiter, one(9), one(35)},
	} {
		for n := range 64 {
			if got := c.is(H265, []byte{byte(n << 1)}); got != c.of265(n) {
				t.Errorf("H.265 type %d: %s %v", n, c.name, got)
			}
			if got := c.is(H264, []byte{0x60 | byte(n&0x1f)}); got != c.of264(n&0x1f) {
				t.Errorf("H.264 type %d: %s %v", n, c.name, got)
			}
			if c.is(JPEG, []byte{byte(n)}) || c.is(UnknownCodec, []byte{byte(n)}) {
				t.Errorf("%s without a codec", c.name)
			}
		}
		if c.is(H264, nil) || c.is(H265, nil) {
			t.Errorf("an empty NAL unit is a %s", c.name)
		}
	}
}
