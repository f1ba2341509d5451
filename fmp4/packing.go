package fmp4

import (
	"bytes"

	"github.com/kfgrab/kfgrab/keyframe"
)

// byteStream is the NAL length size of samples with start codes instead of lengths.
const byteStream = 0

// lengthSizeOf returns how a sample separates its NAL units: by lengths of that many
// bytes, or byteStream. Its content counts more than the size that avcC or hvcC
// declares, which some muxers copy from another file.
//
// Shorter lengths come last, because they fit by chance: 00 00 00 02 also reads as three
// empty NAL units and one of two bytes.
func lengthSizeOf(c keyframe.Codec, sample []byte, declared int) int {
	for _, size := range []int{declared, 4, byteStream, 3, 2, 1} {
		if size == byteStream && isByteStream(sample) {
			return byteStream
		}
		if size != byteStream && isCutBy(c, sample, size) {
			return size
		}
	}
	return declared
}

// isCutBy reports whether lengths of that size cut a sample into NAL units of codec c,
// to its very end.
func isCutBy(c keyframe.Codec, sample []byte, lengthSize int) bool {
	units := 0
	for len(sample) > 0 {
		nalu, rest, ok := cutNALU(sample, lengthSize)
		if !ok || !isPlausible(c, nalu) {
			return false
		}
		if len(nalu) > 0 {
			units++
		}
		sample = rest
	}
	return units > 0
}

// isPlausible reports whether nalu is empty or begins as a NAL unit does: with
// forbidden_zero_bit 0, and in H.265 with a nuh_temporal_id_plus1 that is not 0.
func isPlausible(c keyframe.Codec, nalu []byte) bool {
	switch {
	case len(nalu) == 0:
		return true
	case c == keyframe.H265:
		return len(nalu) >= 2 && nalu[0]&0x80 == 0 && nalu[1]&7 != 0
	}
	return nalu[0]&0x80 == 0 && nalu[0]&0x1f != 0
}

// cutNALU cuts one NAL unit, which follows its length, off b. Zeros at the end that are
// shorter than a length are padding.
func cutNALU(b []byte, lengthSize int) (nalu, rest []byte, ok bool) {
	if len(b) < lengthSize {
		return nil, nil, len(bytes.Trim(b, "\x00")) == 0
	}
	n := 0
	for _, c := range b[:lengthSize] {
		n = n<<8 | int(c)
	}
	b = b[lengthSize:]
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// isByteStream reports whether b begins with a start code, with any number of zeros
// before it (ISO/IEC 14496-10 B.1.1). Some muxers copy an Annex B byte stream, into
// samples or into the avcC or hvcC box.
func isByteStream(b []byte) bool {
	rest := bytes.TrimLeft(b, "\x00")
	return len(b)-len(rest) >= 2 && len(rest) > 0 && rest[0] == 1
}
