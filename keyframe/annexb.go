package keyframe

import (
	"bytes"
	"iter"
)

var (
	startCode     = []byte{0, 0, 1}
	longStartCode = []byte{0, 0, 0, 1}
)

// AnnexB yields the NAL units of a whole byte stream (ISO/IEC 14496-10
// Annex B), without start codes and trailing zeros. Bytes before the first
// start code are passed over. The slices alias b.
func AnnexB(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		at := bytes.Index(b, startCode)
		for at >= 0 {
			b = b[at+len(startCode):]
			at = bytes.Index(b, startCode)
			nalu := b
			if at >= 0 {
				nalu = b[:at]
			}
			if nalu = trimZeros(nalu); len(nalu) > 0 && !yield(nalu) {
				return
			}
		}
	}
}

// AppendNALU appends a start code of four bytes and nalu to dst.
func AppendNALU(dst, nalu []byte) []byte {
	return append(append(dst, longStartCode...), nalu...)
}

// trimZeros takes trailing_zero_8bits away: no NAL unit ends in a zero byte.
func trimZeros(nalu []byte) []byte {
	for len(nalu) > 0 && nalu[len(nalu)-1] == 0 {
		nalu = nalu[:len(nalu)-1]
	}
	return nalu
}
