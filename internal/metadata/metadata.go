// Package metadata tells in a finished picture where it comes from and when it was
// taken, and what its colours are. The picture itself is not coded again: its bytes stay
// as they are.
//
// Call [JPEG], [PNG] or [WebP], by the picture's format. There is no reading of
// metadata, and of Exif nothing that cameras alone know.
package metadata

import (
	"strings"
	"time"
)

// Fields are what a picture is to tell. Empty texts and zero times are left out. Times
// are written in UTC, to the millisecond.
type Fields struct {
	Source    string    // where the picture is from, for everyone to see: without credentials
	Software  string    // what made the picture
	Taken     time.Time // when it was taken from the stream
	MediaTime time.Time // when the scene was shot, by the stream's own account

	// Primaries are what red, green, blue and white stand for, a code point of
	// ISO/IEC 23091-2; 0 is not to be told. Those of sRGB, 1, are what every program
	// takes for granted, others make a colour profile of some 500 bytes.
	Primaries int
}

// maxText is more than a URL or a name takes that anybody reads, and lets all fields
// together fit into one segment of a JPEG, of 64 kB.
const maxText = 4096

// bounded cuts what is too long between characters, and takes out what is no text.
func (f Fields) bounded() Fields {
	f.Source, f.Software = text(f.Source), text(f.Software)
	return f
}

func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0xfffe {
			return ' ' // neither XML 1.0 nor PNG has control characters
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// timeFormat is RFC 3339 with milliseconds, which XMP's dates are a subset of.
const timeFormat = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
