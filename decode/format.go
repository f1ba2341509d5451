package decode

import (
	"fmt"
	"strings"
)

// Format is how the picture is stored.
type Format uint8

// The formats. WebP needs an ffmpeg that was built with libwebp.
const (
	JPEG  Format = iota // baseline, BT.601 full range (ITU-T T.871); 4:2:0, or 4:2:2 or 4:4:4 like the stream
	PNG                 // 8-bit RGB without alpha, and without gamma and primaries
	WebP                // lossy, 4:2:0
	RGB24               // bytes R G B, rows from the top, no padding, no header; see Output.Size
	BGR24               // the same with B G R, the order of OpenCV
)

var formats = [...]struct {
	name, mime string
	extensions []string // the first is the usual one
}{
	JPEG:  {"jpeg", "image/jpeg", []string{".jpg", ".jpeg"}},
	PNG:   {"png", "image/png", []string{".png"}},
	WebP:  {"webp", "image/webp", []string{".webp"}},
	RGB24: {"rgb24", "application/octet-stream", []string{".rgb", ".rgb24"}},
	BGR24: {"bgr24", "application/octet-stream", []string{".bgr", ".bgr24"}},
}

// ParseFormat returns the format of that name: "jpeg" or "jpg", "png", "webp",
// "rgb24" or "rgb", "bgr24" or "bgr", in any case.
func ParseFormat(name string) (Format, error) {
	for f := range formats {
		if strings.EqualFold(name, formats[f].name) {
			return Format(f), nil
		}
	}
	if f, ok := ByExtension("." + name); ok {
		return f, nil
	}
	return 0, fmt.Errorf("unknown picture format %q: want jpeg, png, webp, rgb24 or bgr24", name)
}

// ByExtension returns the format of files that end in ext, such as ".jpg".
func ByExtension(ext string) (Format, bool) {
	for f := range formats {
		for _, e := range formats[f].extensions {
			if strings.EqualFold(ext, e) {
				return Format(f), true
			}
		}
	}
	return 0, false
}

// String returns the name that ParseFormat takes.
func (f Format) String() string {
	if int(f) >= len(formats) {
		return fmt.Sprintf("Format(%d)", uint8(f))
	}
	return formats[f].name
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what ParseFormat does. It implements encoding.TextUnmarshaler.
func (f *Format) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFormat(string(text))
	return err
}

// Extension returns the usual extension of a file name, with its dot, or "" for a
// value that is not a format.
func (f Format) Extension() string {
	if int(f) >= len(formats) {
		return ""
	}
	return formats[f].extensions[0]
}

// MIMEType returns the media type; it is application/octet-stream for RGB24 and BGR24,
// which have none.
func (f Format) MIMEType() string {
	if int(f) >= len(formats) {
		return "application/octet-stream"
	}
	return formats[f].mime
}
