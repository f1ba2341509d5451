package hls

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Limits of a playlist. The server controls its size, and a parsed playlist takes
// about four times as many bytes of memory.
const (
	// MaxBytes: 24 hours of 2 s segments whose URIs carry a token, 43,200 times
	// 250 bytes, are 11 MB.
	MaxBytes = 12 << 20
	// maxMasterBytes: a hundred variants and renditions with 2 kB of token in
	// each URI.
	maxMasterBytes = 256 << 10
	// maxLines: 24 hours of 2 s segments with EXTINF, EXT-X-PROGRAM-DATE-TIME
	// and URI are 129,600 lines.
	maxLines = 1 << 17
	// maxLine: a key's data: URI is a few kB, an SCTE-35 message at most 8 kB in
	// hexadecimal.
	maxLine = 64 << 10
	// maxAttributes bounds the attributes of all tags that are read, counted by commas:
	// each of the 32,768 segments that maxLines leaves room for may have a key and a map
	// with eight attributes, and as many commas in quotes.
	maxAttributes = 1 << 19
	// maxReferences bounds the uses of variables: four in each of 65,536 URIs.
	maxReferences = 1 << 18
	// maxDefinitions: a variable for each part of an address is under ten.
	maxDefinitions = 256
	// maxHeaders: a tag about the whole playlist appears once, and again where several
	// playlists were concatenated.
	maxHeaders = 256
	// maxDigits of a duration: a day's seconds, a point, nanoseconds. A number that a
	// float64 does not hold takes twenty times as long to read.
	maxDigits = 15
)

// checkLimits checks the whole text, before any line is read.
func checkLimits(data []byte) error {
	if len(data) > MaxBytes {
		return tooLong(MaxBytes)
	}
	if bytes.Count(data, newline) >= maxLines {
		return tooMany("lines", maxLines)
	}
	return nil
}

func tooLong(limit int) error {
	return fmt.Errorf("%w: longer than %d bytes", keyframe.ErrCorrupt, limit)
}

func tooMany(what string, limit int) error {
	return fmt.Errorf("%w: more than %d %s", keyframe.ErrCorrupt, limit, strings.TrimPrefix(what, "#"))
}
