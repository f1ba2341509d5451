package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// errBoundary is what becomes of a process that writes other than one picture.
var errBoundary = errors.New("ffmpeg wrote other than one picture")

// complete says whether b, which has come so far, is one picture of Width×Height
// pixels as ffmpeg writes them, by the marks of its format, not by when it came. The
// error says that b is more than that, or something else.
func (o Output) complete(b []byte) (bool, error) {
	size, known := 3*o.Width*o.Height, true
	switch o.Format {
	case JPEG:
		size, known = jpegSize(b)
	case PNG:
		size, known = pngSize(b)
	case WebP:
		size, known = webpSize(b)
	}
	if known && (size < len(b) || size == 0) {
		return false, errBoundary
	}
	return known && size == len(b), nil
}

// jpegSize returns where the JPEG at the beginning of b ends, once it does; 0 where
// there is none. Between SOI and EOI there are segments of a told length, and behind
// SOS entropy-coded bytes, in which a marker is preceded by 0xff and neither 0 nor
// RST0 to RST7 (ITU-T T.81 B.1.1).
func jpegSize(b []byte) (size int, known bool) {
	const soi, eoi, sos = 0xd8, 0xd9, 0xda
	if !bytes.HasSuffix(b, []byte{0xff, eoi}) {
		return 0, false // it does not end here, whatever else it is
	}
	if b[0] != 0xff || b[1] != soi {
		return 0, true
	}
	for at := 2; at+4 <= len(b); {
		if b[at] != 0xff {
			return 0, true
		}
		marker := b[at+1]
		at += 2 + int(binary.BigEndian.Uint16(b[at+2:]))
		if marker == sos {
			at = entropyEnd(b, at)
		}
		if at+2 <= len(b) && b[at] == 0xff && b[at+1] == eoi {
			return at + 2, true
		}
	}
	return 0, false
}

// entropyEnd returns where the marker behind entropy-coded bytes is, or len(b).
func entropyEnd(b []byte, at int) int {
	for at < len(b) {
		n := bytes.IndexByte(b[at:], 0xff)
		if n < 0 || at+n+1 >= len(b) {
			return len(b)
		}
		if at += n; b[at+1] != 0 && b[at+1]&^7 != 0xd0 {
			return at
		}
		at += 2
	}
	return len(b)
}

// pngSize is jpegSize of a PNG: a signature and chunks up to IEND (RFC 2083 3.2).
func pngSize(b []byte) (size int, known bool) {
	const signature, frame = "\x89PNG\r\n\x1a\n", 12 // length, type and CRC of a chunk
	if len(b) < len(signature) {
		return 0, false
	}
	if string(b[:len(signature)]) != signature {
		return 0, true
	}
	if !bytes.HasSuffix(b, []byte("IEND\xae\x42\x60\x82")) {
		return 0, false
	}
	for at := len(signature); at+frame <= len(b); {
		last := string(b[at+4:at+8]) == "IEND"
		if at += frame + int(binary.BigEndian.Uint32(b[at:])); last {
			return at, true
		}
	}
	return 0, false
}

// webpSize is jpegSize of a WebP, whose RIFF header tells (RFC 9649 2.4).
func webpSize(b []byte) (size int, known bool) {
	if len(b) < 12 {
		return 0, false
	}
	if string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return 0, true
	}
	return int(binary.LittleEndian.Uint32(b[4:])) + 8, true
}
