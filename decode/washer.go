package decode

import (
	"bytes"
	"encoding/hex"

	"github.com/kfgrab/kfgrab/keyframe"
)

// washerSide is how wide and high the picture of washer is.
const washerSide = 16

// washer returns an access unit to decode between two frames: a grey IDR picture and
// the end of its sequence. Behind it a decoder knows as little as one that was just
// started. As its size is another, memory that held pictures is given back, and new
// memory is zero; what was still to be shown is shown, and no picture refers to one
// before; behind the end of a sequence a CRA picture, too, is the first of one
// (ISO/IEC 23008-2 8.1.3).
//
// Its SEI takes back what ffmpeg remembers of others that changes pictures: film grain
// is cancelled, the transfer function is as the parameter sets have it.
func washer(c keyframe.Codec) []byte {
	if c == keyframe.H265 {
		return washer265
	}
	return washer264
}

// forgetSEI has film grain characteristics and alternative transfer characteristics
// (ISO/IEC 23002-7 8.5 and 8.12).
const forgetSEI = "1301c0" + "930102" + "80"

var (
	// x264 made it: baseline profile, level 1.
	washer264 = annexB(
		"6742c00ada7b011000000300100000030328f1226a", "68ce0f2c80",
		"06"+forgetSEI,
		"6588840af26280017c",
		"0a")
	// x265 made it: Main Still Picture.
	washer265 = annexB(
		"40010c01ffff0408000003009fa800000300001eba0240",
		"4201010408000003009fa800000300001ea0884596eaaf0bc05a020000030002000003000210", "4401c173c089",
		"4e01"+forgetSEI,
		"2801ade0ce1fbf0b80",
		hex.EncodeToString(endOfSequence))
)

// annexB makes a byte stream of NAL units in hexadecimal.
func annexB(nalus ...string) []byte {
	var b bytes.Buffer
	for _, nalu := range nalus {
		b.WriteString("00000001" + nalu)
	}
	data, err := hex.DecodeString(b.String())
	if err != nil {
		panic(err) // they are those above
	}
	return data
}
