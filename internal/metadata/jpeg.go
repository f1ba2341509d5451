package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// The identifiers of the APP1 segments of Exif (CIPA DC-008 4.7.2) and of XMP (XMP
// specification part 3, 1.1.3), and of the APP2 segments of ICC profiles (ICC.1:2010
// B.4).
const (
	exifID = "Exif\x00\x00"
	xmpID  = "http://ns.adobe.com/xap/1.0/\x00"
	iccID  = "ICC_PROFILE\x00"
)

const app1, app2 = 0xe1, 0xe2

// JPEG returns the picture with f as Exif, XMP and a colour profile behind the segments
// of JFIF. Any of them that the picture has already is left as it is, and nothing is put
// beside it.
func JPEG(picture []byte, f Fields) ([]byte, error) {
	at, has, err := scanJPEG(picture)
	if err != nil {
		return nil, err
	}
	f = f.bounded()
	var segments []byte
	if data := exif(f); data != nil && !has[exifID] {
		segments = appendSegment(segments, app1, exifID, data)
	}
	if data := xmp(f); data != nil && !has[xmpID] {
		segments = appendSegment(segments, app1, xmpID, data)
	}
	if data := profile(f.Primaries); data != nil && !has[iccID] {
		segments = appendSegment(segments, app2, iccID+"\x01\x01", data) // the first of one
	}
	return slices.Concat(picture[:at], segments, picture[at:]), nil
}

func appendSegment(b []byte, marker byte, id string, data []byte) []byte {
	b = append(b, 0xff, marker)
	b = binary.BigEndian.AppendUint16(b, uint16(2+len(id)+len(data)))
	return append(append(b, id...), data...)
}

var errNoJPEG = errors.New("metadata: no whole JPEG")

// scanJPEG goes over the APPn and COM segments that a picture begins with (ITU-T T.81
// B.1.1.4) and finds the place behind those of JFIF, APP0, and which identifiers there are.
func scanJPEG(b []byte) (at int, has map[string]bool, err error) {
	if !bytes.HasPrefix(b, []byte{0xff, 0xd8}) {
		return 0, nil, errNoJPEG
	}
	at, has = 2, map[string]bool{}
	for i := 2; ; {
		if len(b) < i+4 || b[i] != 0xff {
			return 0, nil, errNoJPEG
		}
		if b[i+1] == 0xff { // fill
			i++
			continue
		}
		marker, size := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if marker&0xf0 != 0xe0 && marker != 0xfe {
			return at, has, nil
		}
		if size < 2 || len(b) < i+2+size {
			return 0, nil, errNoJPEG
		}
		body := b[i+4 : i+2+size]
		for _, id := range []string{exifID, xmpID, iccID} {
			has[id] = has[id] || bytes.HasPrefix(body, []byte(id))
		}
		if marker == 0xe0 && at == i {
			at = i + 2 + size
		}
		i += 2 + size
	}
}
