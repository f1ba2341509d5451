package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// The identifiers of the APP1 segments of Exif (CIPA DC-008 4.7.2) and of XMP (XMP
// specification part 3, 1.1.3).
const (
	exifID = "Exif\x00\x00"
	xmpID  = "http://ns.adobe.com/xap/1.0/\x00"
)

// JPEG returns the picture with f as Exif and XMP behind the segments of JFIF. Either
// of them that the picture has already is left as it is, and nothing is put beside it.
func JPEG(picture []byte, f Fields) ([]byte, error) {
	at, hasExif, hasXMP, err := scanJPEG(picture)
	if err != nil {
		return nil, err
	}
	f = f.bounded()
	var segments []byte
	if data := exif(f); data != nil && !hasExif {
		segments = appendAPP1(segments, exifID, data)
	}
	if data := xmp(f); data != nil && !hasXMP {
		segments = appendAPP1(segments, xmpID, data)
	}
	return slices.Concat(picture[:at], segments, picture[at:]), nil
}

func appendAPP1(b []byte, id string, data []byte) []byte {
	b = append(b, 0xff, 0xe1)
	b = binary.BigEndian.AppendUint16(b, uint16(2+len(id)+len(data)))
	return append(append(b, id...), data...)
}

var errNoJPEG = errors.New("metadata: no whole JPEG")

// scanJPEG goes over the APPn and COM segments that a picture begins with (ITU-T T.81
// B.1.1.4) and finds the place behind those of JFIF, APP0.
func scanJPEG(b []byte) (at int, hasExif, hasXMP bool, err error) {
	if !bytes.HasPrefix(b, []byte{0xff, 0xd8}) {
		return 0, false, false, errNoJPEG
	}
	at = 2
	for i := 2; ; {
		if len(b) < i+4 || b[i] != 0xff {
			return 0, false, false, errNoJPEG
		}
		if b[i+1] == 0xff { // fill
			i++
			continue
		}
		marker, size := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if marker&0xf0 != 0xe0 && marker != 0xfe {
			return at, hasExif, hasXMP, nil
		}
		if size < 2 || len(b) < i+2+size {
			return 0, false, false, errNoJPEG
		}
		body := b[i+4 : i+2+size]
		hasExif = hasExif || marker == 0xe1 && bytes.HasPrefix(body, []byte(exifID))
		hasXMP = hasXMP || marker == 0xe1 && bytes.HasPrefix(body, []byte(xmpID))
		if marker == 0xe0 && at == i {
			at = i + 2 + size
		}
		i += 2 + size
	}
}
