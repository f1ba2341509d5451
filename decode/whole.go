package decode

import (
	"bytes"
	"encoding/binary"

	"github.com/kfgrab/kfgrab/keyframe"
)

// whole says whether b begins and ends as a file of its format does, and for
// RGB24 and BGR24, which have no marks, whether its length is that of Size.
func (o Output) whole(b []byte, i keyframe.Info) bool {
	switch o.Format {
	case JPEG: // SOI, EOI
		return bytes.HasPrefix(b, []byte{0xff, 0xd8}) && bytes.HasSuffix(b, []byte{0xff, 0xd9})
	case PNG: // signature; IEND with its CRC
		return bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")) && bytes.HasSuffix(b, []byte("IEND\xae\x42\x60\x82"))
	case WebP: // RIFF, whose size leaves out its first eight bytes
		return len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" &&
			int64(binary.LittleEndian.Uint32(b[4:]))+8 == int64(len(b))
	}
	w, h := o.Size(i)
	return len(b) == 3*w*h
}
