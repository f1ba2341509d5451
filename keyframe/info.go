package keyframe

import (
	"fmt"
)

// Info describes a picture: what its SPS (or JPEG frame header) says and, except
// from ParseInfo, what the rest of the stream adds. Sizes are in pixels. Numbered
// fields are as in ISO/IEC 14496-10 and ISO/IEC 23008-2.
type Info struct {
	Width, Height           int // after cropping; of a frame, even if H.264 codes it as two fields
	CodedWidth, CodedHeight int // before cropping
	SARNum, SARDen          int // sample aspect ratio; 0, 0 if unknown

	ProfileIDC int    // for JPEG: the second byte of the SOF marker
	LevelIDC   int    // as coded: 31 is level 3.1 of H.264, 93 is level 3.1 of H.265
	Profile    string // ffprobe's name: "High", "Main 10", …

	ChromaFormat int // chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
	BitDepth     int // of luma

	// Interlaced reports whether pictures may be made of two fields: H.264 with other
	// pictures than frames, H.265 with an interlaced source.
	Interlaced bool
	FieldSeq   bool // H.265: each picture is one field (E.3.1), and Height is that of a field

	// Rotation is how far to turn the picture clockwise for display, after flipping it
	// left to right if Mirrored: 0, 90, 180 or 270 degrees. It comes from the stream
	// (display orientation SEI) or the container. Sizes are those before turning.
	Rotation int
	Mirrored bool

	FullRange                   bool
	Primaries, Transfer, Matrix int // ISO/IEC 23091-2 code points, or Unspecified

	FrameRateNum, FrameRateDen int // frames a second from the VUI; 0, 0 if unknown
}

// Unspecified is the code point of colours that the stream does not specify.
const Unspecified = 2

// ParseInfo reads a sequence parameter set, a whole NAL unit without its start
// code (ISO/IEC 14496-10 7.3.2.1.1, ISO/IEC 23008-2 7.3.2.2), or a whole JPEG file.
// The error wraps ErrCorrupt, or ErrUnsupported for another codec and other JPEGs
// than those of 8 bits that are grey or have three components.
func ParseInfo(c Codec, sps []byte) (Info, error) {
	switch c {
	case H264:
		s, err := parseSPS264(sps)
		if err != nil {
			return Info{}, err
		}
		return s.info, nil
	case H265:
		s, err := parseSPS265(sps)
		if err != nil {
			return Info{}, err
		}
		return s.info, nil
	case JPEG:
		return parseJPEG(sps)
	}
	return Info{}, fmt.Errorf("%w: codec %v", ErrUnsupported, c)
}

// PixFmt returns ffmpeg's name for the layout of the decoded samples: "yuv420p",
// "yuv422p10le", …
func (i Info) PixFmt() string {
	name := [...]string{"gray", "yuv420p", "yuv422p", "yuv444p"}[i.ChromaFormat&3]
	switch {
	case i.BitDepth > 8:
		name += fmt.Sprintf("%dle", i.BitDepth)
	case i.FullRange && i.ChromaFormat != 0:
		name = "yuvj" + name[len("yuv"):]
	}
	return name
}

// ColourNames returns ffprobe's names of the matrix, transfer characteristics and
// primaries (color_space, color_transfer, color_primaries), or "" if unspecified. The
// numbers are those of ISO/IEC 23091-2.
func (i Info) ColourNames() (matrix, transfer, primaries string) {
	return matrices[i.Matrix], transfers[i.Transfer], primarySets[i.Primaries]
}

// HDR reports whether the transfer characteristics are PQ or HLG (ITU-R BT.2100).
func (i Info) HDR() bool { return i.Transfer == 16 || i.Transfer == 18 }

var matrices = map[int]string{
	0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco",
	9: "bt2020nc", 10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ictcp",
	15: "ipt-c2", 16: "ycgco-re", 17: "ycgco-ro",
}

var transfers = map[int]string{
	1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
	11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12",
	16: "smpte2084", 17: "smpte428", 18: "arib-std-b67",
}

var primarySets = map[int]string{
	1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
	10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213",
}
