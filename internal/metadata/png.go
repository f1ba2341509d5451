package metadata

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"

	"github.com/kfgrab/kfgrab/internal/imagefile"
)

var errNotPNG = errors.New("metadata: not a whole PNG")

// PNG returns the picture with f as texts after its header, with the keywords Source,
// Software, Creation Time (Taken) and Media Time, and as a colour profile. An ASCII text
// becomes a tEXt chunk, others iTXt.
func PNG(picture []byte, f Fields) ([]byte, error) {
	at, hasColours, err := scanPNG(picture)
	if err != nil {
		return nil, err
	}
	f = f.bounded()

	var chunks []byte
	if data := iccProfile(f.Primaries); data != nil && !hasColours {
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

	return slices.Concat(picture[:at], chunks, picture[at:]), nil
}

// scanPNG returns the offset after IHDR, the first chunk (PNG, third edition, 5.2 and
// 11.2.1), and whether the picture already signals its colours: iCCP, sRGB and cICP
// come before the first IDAT (5.6).
func scanPNG(picture []byte) (at int, hasColours bool, err error) {
	for c := range imagefile.PNGChunks(picture) {
		switch {
		case at == 0 && (c.Name != "IHDR" || len(c.Data) != 13):
			return 0, false, errNotPNG
		case at == 0:
			at = c.End
		case c.Name == "iCCP", c.Name == "sRGB", c.Name == "cICP":
			hasColours = true
		case c.Name == "IDAT":
			return at, hasColours, nil
		}
	}

	if at == 0 {
		return 0, false, errNotPNG
	}
	return at, hasColours, nil
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
