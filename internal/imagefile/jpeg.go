// Package imagefile walks through the parts of JPEG, PNG and WebP files, and finds out
// whether a file is whole. It is internal to kfgrab, for the packages that look into
// pictures without decoding them.
//
// Call [JPEGSegments], [PNGChunks] or [WebPChunks] for the parts, and [JPEGSize],
// [PNGSize] or [WebPSize] while a file is still arriving. The package neither decodes
// nor writes pictures.
package imagefile

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Markers of ITU-T T.81 table B.1, without their first byte, 0xff.
const (
	SOI  = 0xd8 // start of image
	EOI  = 0xd9 // end of image
	SOS  = 0xda // start of scan
	APP0 = 0xe0
	APP1 = 0xe1
	APP2 = 0xe2
	COM  = 0xfe
)

// Segment is a marker segment of a JPEG (ITU-T T.81 B.1.1.4).
type Segment struct {
	Marker     byte
	Data       []byte
	Begin, End int // offsets in the file, of the marker and of what follows the data
}

// IsJPEG reports whether b begins as a JPEG does.
func IsJPEG(b []byte) bool { return bytes.HasPrefix(b, []byte{0xff, SOI}) }

// JPEGSegments iterates over the marker segments at the start of a JPEG, up to and
// including the first SOS. It skips fill bytes, and stops at anything that is not a
// whole segment.
func JPEGSegments(b []byte) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		if !IsJPEG(b) {
			return
		}
		for at := 2; ; {
			s, ok := readSegment(b, at)
			if !ok || !yield(s) || s.Marker == SOS {
				return
			}
			at = s.End
		}
	}
}

// readSegment reads the segment at an offset, or after the fill bytes there.
func readSegment(b []byte, at int) (s Segment, ok bool) {
	for at+1 < len(b) && b[at] == 0xff && b[at+1] == 0xff {
		at++
	}
	if at+4 > len(b) || b[at] != 0xff {
		return Segment{}, false
	}
	length := int(binary.BigEndian.Uint16(b[at+2:]))
	if length < 2 || at+2+length > len(b) {
		return Segment{}, false
	}
	return Segment{Marker: b[at+1], Data: b[at+4 : at+2+length], Begin: at, End: at + 2 + length}, true
}

// JPEGSize returns the size of the JPEG that b begins with. known is false while b may
// still lack some of it; size is 0 if b is not a JPEG. It is cheap unless b ends like a
// JPEG.
//
// In a scan, entropy-coded bytes follow the segment of SOS. A marker among them is 0xff
// followed by a byte that is neither 0 nor RST0 to RST7 (ITU-T T.81 B.1.1).
func JPEGSize(b []byte) (size int, known bool) {
	if !bytes.HasSuffix(b, []byte{0xff, EOI}) {
		return 0, false
	}
	if !IsJPEG(b) {
		return 0, true
	}

	scans := 0
	for at := 2; at+2 <= len(b); {
		if b[at] != 0xff {
			return 0, true
		}
		if b[at+1] == EOI && scans > 0 {
			return at + 2, true
		}

		s, ok := readSegment(b, at)
		if !ok {
			return 0, false
		}

		at = s.End
		if s.Marker == SOS {
			at = findMarker(b, at)
			scans++
		}
	}
	return 0, false
}

// findMarker returns the offset of the marker after entropy-coded bytes, len(b) if
// there is none.
func findMarker(b []byte, at int) int {
	for at < len(b) {
		n := bytes.IndexByte(b[at:], 0xff)
		if n < 0 || at+n+1 >= len(b) {
			return len(b)
		}
		at += n
		if b[at+1] != 0 && b[at+1]&^7 != 0xd0 {
			return at
		}
		at += 2
	}
	return len(b)
}
