package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/kfgrab/kfgrab/internal/imagefile"
)

// The identifiers of the APP1 segments of Exif (CIPA DC-008 4.7.2) and of XMP (XMP
// specification part 3, 1.1.3), and of the APP2 segments of ICC profiles (ICC.1:2010
// B.4).
const (
	exifID = "Exif\x00\x00"
	xmpID  = "http://ns.adobe.com/xap/1.0/\x00"
	iccID  = "ICC_PROFILE\x00"
)

// JPEG returns the picture with f as Exif, XMP and a colour profile after the segments
// of JFIF. If the picture already has one of the three, that one stays as it is and
// nothing is added to it.
func JPEG(picture []byte, f Fields) ([]byte, error) {
	at, has, err := scanJPEG(picture)
	if err != nil {
		return nil, err
	}

	f = f.bounded()

	var segments []byte
	if data := exifData(f); data != nil && !has[exifID] {
		segments = appendSegment(segments, imagefile.APP1, exifID, data)
	}
	if data := xmpPacket(f); data != nil && !has[xmpID] {
		segments = appendSegment(segments, imagefile.APP1, xmpID, data)
	}
	if data := iccProfile(f.Primaries); data != nil && !has[iccID] {
		segments = appendSegment(segments, imagefile.APP2, iccID+"\x01\x01", data) // the first of one
	}

	return slices.Concat(picture[:at], segments, picture[at:]), nil
}

func appendSegment(b []byte, marker byte, id string, data []byte) []byte {
	b = append(b, 0xff, marker)
	b = binary.BigEndian.AppendUint16(b, uint16(2+len(id)+len(data)))
	return append(append(b, id...), data...)
}

var errNotJPEG = errors.New("metadata: not a whole JPEG")

// scanJPEG reads the APPn and COM segments that a picture begins with. It returns the
// offset after those of JFIF, APP0, and which identifiers there are.
func scanJPEG(b []byte) (at int, has map[string]bool, err error) {
	at, has = 2, map[string]bool{}
	for s := range imagefile.JPEGSegments(b) {
		if s.Marker&0xf0 != imagefile.APP0 && s.Marker != imagefile.COM {
			return at, has, nil
		}
		for _, id := range []string{exifID, xmpID, iccID} {
			has[id] = has[id] || bytes.HasPrefix(s.Data, []byte(id))
		}
		if s.Marker == imagefile.APP0 && at == s.Begin {
			at = s.End
		}
	}

	return 0, nil, errNotJPEG
}
