package metadata

import (
	"bytes"
	"compress/zlib"
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
// Software, Creation Time (Taken) and Media Time, and as a colour profile. A text that
// is not of ASCII alone makes an iTXt chunk, others tEXt.
func PNG(picture []byte, f Fields) ([]byte, error) {
	if len(picture) < pngHeader || !bytes.HasPrefix(picture, []byte(pngStart)) {
		return nil, errNoPNG
	}
	f = f.bounded()
	var chunks []byte
	if data := profile(f.Primaries); data != nil && !hasProfile(picture) {
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed) // a Buffer takes everything
		z.Write(data)
		z.Close()
		chunks = appendChunk(chunks, "iCCP", gamuts[f.Primaries].name+"\x00\x00"+packed.String())
	}
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

// hasProfile says whether a PNG tells its colours already: iCCP, sRGB and cICP come in
// front of the first IDAT (5.6).
func hasProfile(picture []byte) bool {
	head, _, _ := bytes.Cut(picture, []byte("IDAT"))
	return bytes.Contains(head, []byte("iCCP")) || bytes.Contains(head, []byte("sRGB")) || bytes.Contains(head, []byte("cICP"))
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
