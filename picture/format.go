package picture

import (
	"fmt"
	"strings"

	"github.com/kfgrab/kfgrab/decode"
)

// Format is how a snapshot is stored. The first ones are those of package decode.
type Format uint8

// The formats. AnnexB and MP4 hold the keyframe as it was coded and need no decoder.
const (
	JPEG   = Format(decode.JPEG)
	PNG    = Format(decode.PNG)
	WebP   = Format(decode.WebP)
	RGB24  = Format(decode.RGB24)
	BGR24  = Format(decode.BGR24)
	AnnexB = BGR24 + 1 // one access unit with its parameter sets (ISO/IEC 14496-10 Annex B)
	MP4    = BGR24 + 2 // with one sample
)

// ParseFormat returns the format of that name, in any case: "annexb", "mp4", or a name
// that decode.ParseFormat knows.
func ParseFormat(name string) (Format, error) {
	switch strings.ToLower(name) {
	case "annexb":
		return AnnexB, nil
	case "mp4":
		return MP4, nil
	}

	f, err := decode.ParseFormat(name)
	if err != nil {
		return 0, fmt.Errorf("unknown format %q: want jpeg, png, webp, rgb24, bgr24, annexb or mp4", name)
	}
	return Format(f), nil
}

// ByExtension returns the format of files that end in ext, such as ".jpg".
func ByExtension(ext string) (Format, bool) {
	switch strings.ToLower(ext) {
	case ".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".h26x", ".annexb":
		return AnnexB, true
	case ".mp4", ".m4v":
		return MP4, true
	}
	f, ok := decode.ByExtension(ext)
	return Format(f), ok
}

// Decoded reports whether making f needs a decoder.
func (f Format) Decoded() bool { return f <= BGR24 }

// String returns the name that ParseFormat takes.
func (f Format) String() string {
	switch f {
	case AnnexB:
		return "annexb"
	case MP4:
		return "mp4"
	}
	if f > MP4 {
		return fmt.Sprintf("Format(%d)", uint8(f))
	}
	return decode.Format(f).String()
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what ParseFormat does. It implements encoding.TextUnmarshaler.
func (f *Format) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFormat(string(text))
	return err
}

// Extension returns the usual extension of a file name, with its dot, or "" for a value
// that is not a format.
func (f Format) Extension() string {
	switch f {
	case AnnexB:
		return ".h26x"
	case MP4:
		return ".mp4"
	}
	return decode.Format(f).Extension()
}

// MIMEType returns the media type, application/octet-stream for formats without one.
func (f Format) MIMEType() string {
	if f == MP4 {
		return "video/mp4"
	}
	return decode.Format(f).MIMEType()
}
