package metadata

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/kfgrab/kfgrab/internal/imagefile"
)

// Bits of the first byte of VP8X (RFC 9649 2.7).
const (
	webpICC   = 0x20
	webpAlpha = 0x10
	webpExif  = 0x08
	webpXMP   = 0x04
)

var errNotWebP = errors.New("metadata: not a whole WebP of one picture")

// WebP returns the picture with f as Exif, XMP and a colour profile, in a file of the
// extended format. If the picture already has one of the three, that one stays as it
// is.
func WebP(picture []byte, f Fields) ([]byte, error) {
	chunks, ok := imagefile.WebPChunks(picture)
	if !ok {
		return nil, errNotWebP
	}
	canvas, rest, err := splitCanvas(chunks)
	if err != nil {
		return nil, err
	}

	f = f.bounded()
	before := len(rest)
	add := func(bit byte, name string, data []byte, at int) {
		if data != nil && canvas[0]&bit == 0 {
			canvas[0] |= bit
			rest = slices.Insert(rest, at, imagefile.Chunk{Name: name, Data: data})
		}
	}
	add(webpICC, "ICCP", iccProfile(f.Primaries), 0)
	add(webpExif, "EXIF", exifData(f), len(rest))
	add(webpXMP, "XMP ", xmpPacket(f), len(rest))
	if len(rest) == before {
		return picture, nil
	}

	out := appendRIFF([]byte("RIFF\x00\x00\x00\x00WEBP"), "VP8X", canvas)
	for _, c := range rest {
		out = appendRIFF(out, c.Name, c.Data)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out, nil
}

// appendRIFF appends a chunk of RIFF (2.3).
func appendRIFF(b []byte, name string, data []byte) []byte {
	b = append(b, name...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return append(append(b, data...), make([]byte, len(data)&1)...)
}

// splitCanvas returns the data of VP8X, which it makes up if the file has none, and the
// other chunks.
func splitCanvas(chunks []imagefile.Chunk) (canvas []byte, rest []imagefile.Chunk, err error) {
	first := chunks[0]
	var width, height uint32
	alpha := byte(0)

	switch {
	case first.Name == "VP8X" && len(first.Data) == 10:
		return slices.Clone(first.Data), slices.Clone(chunks[1:]), nil
	case first.Name == "VP8 " && len(first.Data) >= 10: // RFC 6386 9.1
		width = uint32(binary.LittleEndian.Uint16(first.Data[6:])) & 0x3fff
		height = uint32(binary.LittleEndian.Uint16(first.Data[8:])) & 0x3fff
	case first.Name == "VP8L" && len(first.Data) >= 5: // RFC 9649 3.4
		bits := binary.LittleEndian.Uint32(first.Data[1:])
		width, height = bits&0x3fff+1, bits>>14&0x3fff+1
		if bits>>28&1 == 1 {
			alpha = webpAlpha
		}
	}

	if width == 0 || height == 0 {
		return nil, nil, errNotWebP
	}
	canvas = []byte{alpha, 0, 0, 0}
	canvas = append(canvas, byte(width-1), byte((width-1)>>8), byte((width-1)>>16))
	canvas = append(canvas, byte(height-1), byte((height-1)>>8), byte((height-1)>>16))
	return canvas, slices.Clone(chunks), nil
}
