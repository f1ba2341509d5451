package keyframe

import (
	"bytes"
	"iter"
)

// NAL unit types of H.264 (ISO/IEC 14496-10 table 7-1).
const (
	nal264Slice         = 1
	nal264PartitionA    = 2
	nal264PartitionC    = 4
	nal264IDR           = 5
	nal264SEI           = 6
	nal264SPS           = 7
	nal264PPS           = 8
	nal264AUD           = 9
	nal264EndOfSequence = 10
	nal264EndOfStream   = 11
	nal264SubsetSPS     = 15
	nal264Reserved18    = 18
)

// NAL unit types of H.265 (ISO/IEC 23008-2 table 7-1).
const (
	nal265BLAWLP      = 16
	nal265BLANLP      = 18
	nal265IDRWRADL    = 19
	nal265IDRNLP      = 20
	nal265CRA         = 21
	nal265LastIRAP    = 23
	nal265LastVCL     = 31
	nal265VPS         = 32
	nal265SPS         = 33
	nal265PPS         = 34
	nal265AUD         = 35
	nal265EOS         = 36
	nal265EOB         = 37
	nal265PrefixSEI   = 39
	nal265SuffixSEI   = 40
	nal265Reserved41  = 41
	nal265Reserved44  = 44
	nal265Unspecified = 48
	nal265Unspec55    = 55
	nal265RPU         = 62 // of Dolby Vision
)

// nalType returns the nal_unit_type of a NAL unit, whose first byte is enough.
// It is -1 for an empty NAL unit and for codecs without NAL units.
func (c Codec) nalType(nal []byte) int {
	switch {
	case len(nal) == 0:
		return -1
	case c == H264:
		return int(nal[0] & 0x1f)
	case c == H265:
		return int(nal[0] >> 1 & 0x3f)
	}
	return -1
}

// IsVPS reports whether nal, without its start code, is a video parameter set
// of H.265. Like the other methods of this kind it looks at the first byte alone.
func (c Codec) IsVPS(nal []byte) bool { return c == H265 && c.nalType(nal) == nal265VPS }

// IsSPS reports whether nal is a sequence parameter set.
func (c Codec) IsSPS(nal []byte) bool {
	t := c.nalType(nal)
	return (c == H264 && t == nal264SPS) || (c == H265 && t == nal265SPS)
}

// IsPPS reports whether nal is a picture parameter set.
func (c Codec) IsPPS(nal []byte) bool {
	t := c.nalType(nal)
	return (c == H264 && t == nal264PPS) || (c == H265 && t == nal265PPS)
}

// IsParameterSet reports whether nal is a VPS, SPS or PPS.
func (c Codec) IsParameterSet(nal []byte) bool {
	return c.IsSPS(nal) || c.IsPPS(nal) || c.IsVPS(nal)
}

// IsSlice reports whether nal belongs to the video coding layer: a slice or a
// data partition of H.264, a slice segment of H.265.
func (c Codec) IsSlice(nal []byte) bool {
	t := c.nalType(nal)
	return (c == H264 && t >= nal264Slice && t <= nal264IDR) || (c == H265 && t >= 0 && t <= nal265LastVCL)
}

// IsRandomAccess reports whether nal is a slice whose type says that a decoder
// can start at its picture: IDR, and in H.265 also BLA and CRA.
func (c Codec) IsRandomAccess(nal []byte) bool {
	t := c.nalType(nal)
	return (c == H264 && t == nal264IDR) || (c == H265 && t >= nal265BLAWLP && t <= nal265CRA)
}

// IsAccessUnitDelimiter reports whether nal is an access unit delimiter.
func (c Codec) IsAccessUnitDelimiter(nal []byte) bool {
	t := c.nalType(nal)
	return (c == H264 && t == nal264AUD) || (c == H265 && t == nal265AUD)
}

var (
	startCode     = []byte{0, 0, 1}
	longStartCode = []byte{0, 0, 0, 1}
)

// AnnexB yields the NAL units of a whole byte stream (ISO/IEC 14496-10
// Annex B), without start codes and trailing zeros. It skips bytes before the
// first start code. The slices alias b.
func AnnexB(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		at := bytes.Index(b, startCode)
		for at >= 0 {
			b = b[at+len(startCode):]
			at = bytes.Index(b, startCode)
			nal := b
			if at >= 0 {
				nal = b[:at]
			}

			if nal = trimZeros(nal); len(nal) > 0 && !yield(nal) {
				return
			}
		}
	}
}

// AppendNALU appends a start code of four bytes and nal to dst.
func AppendNALU(dst, nal []byte) []byte {
	return append(append(dst, longStartCode...), nal...)
}

// trimZeros removes trailing_zero_8bits: no NAL unit ends in a zero byte.
func trimZeros(nal []byte) []byte {
	for len(nal) > 0 && nal[len(nal)-1] == 0 {
		nal = nal[:len(nal)-1]
	}
	return nal
}

// AppendRBSP appends to dst the RBSP of a NAL unit's payload: the payload without
// its emulation prevention bytes (ISO/IEC 14496-10 7.4.1).
func AppendRBSP(dst, payload []byte) []byte {
	zeros := 0
	for _, b := range payload {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}

		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		dst = append(dst, b)
	}
	return dst
}

// appendEscaped is the inverse of AppendRBSP.
func appendEscaped(dst, rbsp []byte) []byte {
	zeros := 0
	for _, b := range rbsp {
		if zeros >= 2 && b <= 3 {
			dst, zeros = append(dst, 3), 0
		}

		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		dst = append(dst, b)
	}
	return dst
}
