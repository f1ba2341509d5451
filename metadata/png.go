package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// pngStart is a PNG up to the length of IHDR, its first chunk.
const pngStart = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"

// pngHeader is the length of signature and IHDR (PNG, third edition, 5.2 and 11.2.1).
const pngHeader = 8 + 12 + 13

var errNoPNG = errors.New("metadata: no whole PNG")

// PNG returns the picture with f as texts behind its header, by the keywords Source,
// Software, Creation Time (Taken) and Media Time. A text that is not of ASCII alone
// makes an iTXt chunk, others tEXt.
func PNG(picture []byte, f Fields) ([]byte, error) {
	if len(picture) < pngHeader || !bytes.HasPrefix(picture, []byte(pngStart)) {
		return nil, errNoPNG
	}
	f = f.bounded()
	var chunks []byte
	for _, t := range []struct{ keyword, text string }{
		{"Source", f.Source},
		{"Software", f.Software},
		{"Creation Time", formatTime(f.Taken)},
		{"Media Time", formatTime(f.MediaTime)},
	} {
		if t.text != "" {
			chunks = appendText(chunks, t.keyword, t.text)
		}
	}
	return slices.Concat(picture[:pngHeader], chunks, picture[pngHeader:]), nil
}

// appendText appends a tEXt or iTXt chunk (11.3.3.2, 11.3.3.4).
func appendText(b []byte, keyword, text string) []byte {
	if isASCII(text) {
		return appendChunk(b, "tEXt", keyword+"\x00"+text)
	}
	return appendChunk(b, "iTXt", keyword+"\x00\x00\x00\x00\x00"+text) // not compressed, of no language
}

func isASCII(s string) bool {
	for _, c := range []byte(s) {
		if c > '~' {
			return false
		}
	}
	return true
}

func appendChunk(b []byte, name, data string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	body := []byte(name + data)
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(body))
}
