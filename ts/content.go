package ts

import (
	"bytes"

	"github.com/kfgrab/kfgrab/keyframe"
)

// codecOfContent returns the codec of a PES packet's payload if that begins with a NAL
// unit that begins an access unit of H.264 or H.265, and of nothing else: a delimiter
// or parameter set. Its first start code counts, which in MPEG-2 video is another.
func codecOfContent(b []byte) keyframe.Codec {
	at := bytes.Index(b, []byte{0, 0, 1})
	if at < 0 || len(b) < at+7 {
		return keyframe.UnknownCodec
	}

	unit := b[at+3:]
	switch {
	case unit[0] == 0x09 && unit[1]&0x1f == 0x10, // delimiter: primary_pic_type, rbsp_trailing_bits
		unit[0]&0x9f == 0x07 && isProfile264(unit[1]) && unit[2]&0x03 == 0 && unit[3] <= maxLevel264:
		return keyframe.H264
	case unit[0] == 0x46 && unit[1] == 0x01 && unit[2]&0x1f == 0x10, // delimiter of the base layer
		(unit[0] == 0x40 || unit[0] == 0x42) && unit[1] == 0x01: // VPS, SPS
		return keyframe.H265
	}
	return keyframe.UnknownCodec
}

const maxLevel264 = 62 // level_idc of level 6.2

// isProfile264 reports whether a profile_idc is one of ISO/IEC 14496-10 annexes A, G
// and H.
func isProfile264(idc byte) bool {
	switch idc {
	case 44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 244:
		return true
	}
	return false
}
