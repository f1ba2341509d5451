// Package metadata writes into a finished picture where it comes from, when it was
// taken, and what its colours are. It is internal to kfgrab, for package picture. The
// picture is not coded again: its bytes stay as they are.
//
// Call [JPEG], [PNG] or [WebP], depending on the picture's format. The package does not
// read metadata, and writes none of the Exif tags that only cameras know.
package metadata

import (
	"strings"
	"time"
)

// Fields are the metadata of a picture. Empty texts and zero times are left out. Times
// are written in UTC, to the millisecond.
type Fields struct {
	Source    string    // where the picture is from, without credentials: everyone can read it
	Software  string    // what made the picture
	Taken     time.Time // when it was taken from the stream
	MediaTime time.Time // when the scene was shot, according to the stream

	// Primaries says what red, green, blue and white mean, as a code point of
	// ISO/IEC 23091-2; 0 means unknown. Every program assumes those of sRGB, 1. Others
	// are written as a colour profile of some 500 bytes.
	Primaries int
}

// maxText is longer than any URL or name that people read, and short enough for all
// fields to fit into one segment of a JPEG, which holds 64 kB.
const maxText = 4096

// bounded returns f with texts that every format can hold.
func (f Fields) bounded() Fields {
	f.Source = cleanText(f.Source)
	f.Software = cleanText(f.Software)
	return f
}

// cleanText replaces control characters, and truncates between characters.
func cleanText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) || r >= 0xfffe {
			return ' ' // neither XML 1.0 nor PNG has control characters
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// timeFormat is RFC 3339 with milliseconds, which XMP accepts.
const timeFormat = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
