package keyframe

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/kfgrab/kfgrab/internal/imagefile"
)

// parseJPEG reads the frame header of a JPEG file (ISO/IEC 10918-1 B.2.2): baseline,
// extended sequential or progressive, of 8 bits, grey or of three components. Pixels
// count as square. The error wraps ErrCorrupt if data is no JPEG or does not end as
// one, and ErrUnsupported for the other processes.
func parseJPEG(data []byte) (Info, error) {
	switch {
	case !imagefile.IsJPEG(data):
		return Info{}, fmt.Errorf("%w: not a JPEG", ErrCorrupt)
	case !bytes.HasSuffix(bytes.TrimRight(data, "\x00\r\n"), []byte{0xff, imagefile.EOI}):
		return Info{}, fmt.Errorf("%w: the JPEG is cut short", ErrCorrupt)
	}
	for segment := range imagefile.JPEGSegments(data) {
		if isSOF(segment.Marker) {
			return parseFrameHeader(segment.Marker, segment.Data)
		}
	}
	return Info{}, fmt.Errorf("%w: the JPEG has no frame header", ErrCorrupt)
}

// isSOF reports whether marker is C0 to CF, except DHT, JPG and DAC.
func isSOF(marker byte) bool {
	return marker&0xf0 == 0xc0 && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

// parseFrameHeader reads P, Y, X, Nf and the sampling factors (B.2.2).
func parseFrameHeader(marker byte, b []byte) (Info, error) {
	profiles := [...]string{0xc0: "Baseline", 0xc1: "Sequential", 0xc2: "Progressive"}
	if int(marker) >= len(profiles) {
		return Info{}, fmt.Errorf("%w: JPEG with the frame marker %x", ErrUnsupported, marker)
	}
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return Info{}, fmt.Errorf("%w: the JPEG has a short frame header", ErrCorrupt)
	}

	precision, components := b[0], b[5]
	if precision != 8 || (components != 1 && components != 3) {
		return Info{}, fmt.Errorf("%w: JPEG of %d components of %d bits", ErrUnsupported, components, precision)
	}

	i := Info{
		Height: int(binary.BigEndian.Uint16(b[1:])), Width: int(binary.BigEndian.Uint16(b[3:])),
		ProfileIDC: int(marker), Profile: profiles[marker], BitDepth: 8, FullRange: true,
		Primaries: Unspecified, Transfer: Unspecified, Matrix: 5, // ITU-T T.871 6.2: BT.601 with 625 lines
	}
	i.CodedWidth, i.CodedHeight = i.Width, i.Height
	if i.Width == 0 || i.Height == 0 { // a height of 0 means that it follows the first scan (B.2.5)
		return Info{}, fmt.Errorf("%w: the JPEG header has no size", ErrUnsupported)
	}
	if components == 3 {
		i.ChromaFormat = chromaFormat(b[7], b[10])
	}
	return i, nil
}

// chromaFormat returns the chroma_format_idc with as many samples of luma for one of
// chroma. Formats without a number (4:4:0, 4:1:1) count as the one that is as dense.
func chromaFormat(luma, chroma byte) int {
	samples := func(factors byte) int { return int(factors>>4) * int(factors&15) }
	switch {
	case samples(luma) <= samples(chroma):
		return 3
	case samples(luma) == 2*samples(chroma):
		return 2
	}
	return 1
}
