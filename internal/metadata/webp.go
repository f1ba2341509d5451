package metadata

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Bits of the first byte of VP8X (RFC 9649 2.7).
const (
	webpICC   = 0x20
	webpAlpha = 0x10
	webpExif  = 0x08
	webpXMP   = 0x04
)

var errNoWebP = errors.New("metadata: no whole WebP of one picture")

// WebP returns the picture with f as Exif, XMP and a colour profile, in a file of the
// extended format. Any of them that the picture has already is left as it is.
func WebP(picture []byte, f Fields) ([]byte, error) {
	chunks, err := scanWebP(picture)
	if err != nil {
		return nil, err
	}
	canvas, rest, err := extended(chunks)
	if err != nil {
		return nil, err
	}
	f = f.bounded()
	before := len(rest)
	add := func(bit byte, name string, data []byte, at int) {
		if data != nil && canvas[0]&bit == 0 {
			canvas[0] |= bit
			rest = slices.Insert(rest, at, webpChunk{name, data})
		}
	}
	add(webpICC, "ICCP", profile(f.Primaries), 0)
	add(webpExif, "EXIF", exif(f), len(rest))
	add(webpXMP, "XMP ", xmp(f), len(rest))
	if len(rest) == before {
		return picture, nil // nothing to tell
	}
	out := append([]byte("RIFF\x00\x00\x00\x00WEBP"), webpChunk{"VP8X", canvas}.bytes()...)
	for _, c := range rest {
		out = append(out, c.bytes()...)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, nil
}

// webpChunk is one of RIFF's (2.3).
type webpChunk struct {
	name string
	data []byte
}

func (c webpChunk) bytes() []byte {
	b := binary.LittleEndian.AppendUint32([]byte(c.name), uint32(len(c.data)))
	return append(append(b, c.data...), make([]byte, len(c.data)&1)...)
}

func scanWebP(b []byte) (chunks []webpChunk, err error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" || int64(binary.LittleEndian.Uint32(b[4:]))+8 != int64(len(b)) {
		return nil, errNoWebP
	}
	for b = b[12:]; len(b) > 0; {
		if len(b) < 8 {
			return nil, errNoWebP
		}
		name, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		if size+size&1 > int64(len(b)-8) {
			return nil, errNoWebP
		}
		chunks = append(chunks, webpChunk{name, b[8:][:size]})
		b = b[8+size+size&1:]
	}
	if len(chunks) == 0 {
		return nil, errNoWebP
	}
	return chunks, nil
}

// extended returns what VP8X holds, made up where the file has none, and the other
// chunks.
func extended(chunks []webpChunk) (canvas []byte, rest []webpChunk, err error) {
	first := chunks[0]
	var width, height uint32
	alpha := byte(0)
	switch {
	case first.name == "VP8X" && len(first.data) == 10:
		return slices.Clone(first.data), slices.Clone(chunks[1:]), nil
	case first.name == "VP8 " && len(first.data) >= 10: // RFC 6386 9.1
		width = uint32(binary.LittleEndian.Uint16(first.data[6:])) & 0x3fff
		height = uint32(binary.LittleEndian.Uint16(first.data[8:])) & 0x3fff
	case first.name == "VP8L" && len(first.data) >= 5: // RFC 9649 3.4
		bits := binary.LittleEndian.Uint32(first.data[1:])
		width, height = bits&0x3fff+1, bits>>14&0x3fff+1
		if bits>>28&1 == 1 {
			alpha = webpAlpha
		}
	}
	if width == 0 || height == 0 {
		return nil, nil, errNoWebP
	}
	canvas = []byte{alpha, 0, 0, 0}
	canvas = append(canvas, byte(width-1), byte((width-1)>>8), byte((width-1)>>16))
	canvas = append(canvas, byte(height-1), byte((height-1)>>8), byte((height-1)>>16))
	return canvas, slices.Clone(chunks), nil
}
