package keyframe

// Info is what the sequence parameter set tells of the picture. Sizes are in
// pixels, numbered fields as in ISO/IEC 14496-10 and ISO/IEC 23008-2.
type Info struct {
	Width, Height           int // after cropping; a frame, also where it is coded as two fields
	CodedWidth, CodedHeight int // before cropping
	SARNum, SARDen          int // sample aspect ratio; 0, 0 where the stream does not tell

	ProfileIDC int
	LevelIDC   int    // as coded: 31 is level 3.1 of H.264, 93 is level 3.1 of H.265
	Profile    string // as ffprobe names it: "High", "Main 10", …

	ChromaFormat int // chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
	BitDepth     int // of luma
	Interlaced   bool

	FullRange                   bool
	Primaries, Transfer, Matrix int // ISO/IEC 23091-2 code points; 2 is unspecified

	FrameRateNum, FrameRateDen int // frames a second from the VUI; 0, 0 where the stream does not tell
}
