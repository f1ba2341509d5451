package keyframe

import "fmt"

// Info is what the sequence parameter set tells of the picture, or the frame header
// of a JPEG, and but for ParseInfo what else the stream does. Sizes are in pixels, numbered fields as in ISO/IEC 14496-10 and
// ISO/IEC 23008-2.
type Info struct {
	Width, Height           int // after cropping; a frame, also where H.264 codes it as two fields
	CodedWidth, CodedHeight int // before cropping
	SARNum, SARDen          int // sample aspect ratio; 0, 0 where the stream does not tell

	ProfileIDC int    // of a JPEG: the second byte of the SOF marker
	LevelIDC   int    // as coded: 31 is level 3.1 of H.264, 93 is level 3.1 of H.265
	Profile    string // as ffprobe names it: "High", "Main 10", …

	ChromaFormat int // chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
	BitDepth     int // of luma
	// Interlaced says that pictures may be made of two fields: H.264 that is not frames
	// alone, H.265 whose source was interlaced.
	Interlaced bool
	FieldSeq   bool // H.265: each picture is one field (E.3.1), and Height is that of a field

	// Rotation is how far to turn the picture clockwise for display, after flipping it
	// left to right if Mirrored: 0, 90, 180 or 270 degrees. The stream (display orientation
	// SEI) or the container tells; sizes are those before.
	Rotation int
	Mirrored bool

	FullRange                   bool
	Primaries, Transfer, Matrix int // ISO/IEC 23091-2 code points, or Unspecified

	FrameRateNum, FrameRateDen int // frames a second from the VUI; 0, 0 where the stream does not tell
}

// Unspecified is the code point of colours that the stream does not tell.
const Unspecified = 2

// ParseInfo reads a sequence parameter set, a whole NAL unit without its start
// code (ISO/IEC 14496-10 7.3.2.1.1, ISO/IEC 23008-2 7.3.2.2). The error wraps
// ErrCorrupt, or ErrUnsupported for another codec.
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
	}
	return Info{}, fmt.Errorf("%w: codec %v", ErrUnsupported, c)
}

// PixFmt names the layout of the decoded samples as ffmpeg does: "yuv420p",
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
