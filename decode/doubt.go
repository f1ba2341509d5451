package decode

import (
	"bytes"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Behind a whole slice nothing is read; a decoder that runs over the end of a
// short one finds nothing there, or this, and makes other pixels of it. The
// bytes contain no start code and no emulation prevention.
var padding = bytes.Repeat([]byte{0xa5, 0x5a, 0x96, 0x69, 0xc3, 0x3c, 0xd2, 0x2d}, 8)

// endOfSequence lets the second picture be the first of a sequence again
// (ISO/IEC 23008-2 7.3.2.6).
var endOfSequence = []byte{36 << 1, 1}

// twice appends to an H.265 access unit the same again with padded slices.
func twice(data []byte) []byte {
	return append(keyframe.AppendNALU(bytes.Clone(data), endOfSequence), padded(data)...)
}

// padded returns an H.265 access unit with padding behind its slices.
func padded(data []byte) []byte {
	out := make([]byte, 0, len(data)+1<<10)
	for nalu := range keyframe.AnnexB(data) {
		out = keyframe.AppendNALU(out, nalu)
		if keyframe.H265.IsSlice(nalu) {
			out = append(out, padding...)
		}
	}
	return out
}

// once returns the first of the two pictures that twice leads to, where they are
// the same.
func once(pictures []byte) ([]byte, bool) {
	half := len(pictures) / 2
	return pictures[:half], len(pictures)%2 == 0 && bytes.Equal(pictures[:half], pictures[half:])
}
