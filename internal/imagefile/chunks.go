package imagefile

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Chunk is a part of a PNG or WebP file.
type Chunk struct {
	Name string // of four letters
	Data []byte
	End  int // offset in the file of what follows the chunk
}

const pngSignature = "\x89PNG\r\n\x1a\n"

// PNGChunks iterates over the chunks of a PNG up to IEND (PNG, third edition, 5.3). It
// stops at anything that is not a whole chunk, and does not check CRCs.
func PNGChunks(b []byte) iter.Seq[Chunk] {
	const overhead = 12 // length, type and CRC
	return func(yield func(Chunk) bool) {
		if !bytes.HasPrefix(b, []byte(pngSignature)) {
			return
		}

		for at := len(pngSignature); at+overhead <= len(b); {
			length := int64(binary.BigEndian.Uint32(b[at:]))
			if length > int64(len(b)-at-overhead) {
				return
			}
			c := Chunk{Name: string(b[at+4 : at+8]), Data: b[at+8:][:length], End: at + overhead + int(length)}
			if !yield(c) || c.Name == "IEND" {
				return
			}
			at = c.End
		}
	}
}

// PNGSize is JPEGSize for a PNG.
func PNGSize(b []byte) (size int, known bool) {
	if len(b) < len(pngSignature) {
		return 0, false
	}
	if !bytes.HasPrefix(b, []byte(pngSignature)) {
		return 0, true
	}
	if !bytes.HasSuffix(b, []byte("IEND\xae\x42\x60\x82")) {
		return 0, false
	}

	for c := range PNGChunks(b) {
		if c.Name == "IEND" {
			return c.End, true
		}
	}
	return 0, false
}

const riffHeader = 12 // "RIFF", size, "WEBP"

// WebPSize is JPEGSize for a WebP, whose header states it (RFC 9649 2.4).
func WebPSize(b []byte) (size int, known bool) {
	if len(b) < riffHeader {
		return 0, false
	}
	if string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return 0, true
	}
	return int(binary.LittleEndian.Uint32(b[4:])) + 8, true
}

// WebPChunks returns the chunks of a whole WebP (RFC 9649 2.3). ok is false if it is not
// one.
func WebPChunks(b []byte) (chunks []Chunk, ok bool) {
	if size, known := WebPSize(b); !known || size != len(b) {
		return nil, false
	}

	for at := riffHeader; at < len(b); {
		if len(b)-at < 8 {
			return nil, false
		}

		length := int64(binary.LittleEndian.Uint32(b[at+4:]))
		padded := length + length&1
		if padded > int64(len(b)-at-8) {
			return nil, false
		}

		end := at + 8 + int(padded)
		chunks = append(chunks, Chunk{Name: string(b[at : at+4]), Data: b[at+8:][:length], End: end})
		at = end
	}
	return chunks, len(chunks) > 0
}
