package hls

import (
	"bytes"
)

// IsPlaylist reports whether content that begins with head is an HLS playlist:
// #EXTM3U on its first line (RFC 8216 4.3.1.1), apart from a byte order mark, blank
// lines and comments before it. 512 bytes of head are enough, except after long
// comments.
func IsPlaylist(head []byte) bool {
	_, ok := playlistBody(head)
	return ok
}

// playlistBody returns the text after the line of #EXTM3U.
func playlistBody(data []byte) ([]byte, bool) {
	data = bytes.TrimPrefix(data, bom)
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, newline)
		line = bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(line, []byte(tagHeader)):
			return rest, true
		case len(line) > 0 && line[0] != '#', bytes.HasPrefix(line, []byte("#EXT")):
			return nil, false
		}
		data = rest
	}
	return nil, false
}

// Lookalike describes data that is not a playlist, for an error: "it is an HTML
// page".
func Lookalike(data []byte) string {
	head := bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 1024)], bom))
	lower := bytes.ToLower(head)
	has := func(prefix string) bool { return bytes.HasPrefix(lower, []byte(prefix)) }
	switch {
	case len(data) == 0:
		return "the answer is empty"
	case len(head) == 0:
		return "the answer is blank"
	case bytes.Contains(lower, []byte("<mpd")):
		return "it is a DASH manifest"
	case has("<!doctype html"), bytes.Contains(lower, []byte("<html")):
		return "it is an HTML page"
	case has("<"):
		return "it is XML"
	case has("{"), has("["):
		return "it is JSON"
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return "it is compressed with gzip"
	case len(data) > 188 && data[0] == 0x47 && data[188] == 0x47:
		return "it is an MPEG transport stream"
	case len(data) >= 8 && isBox(string(data[4:8])):
		return "it is an MP4 file"
	case bytes.Contains(head, []byte("#EXT")):
		return "it does not begin with #EXTM3U"
	case bytes.ContainsFunc(head, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }):
		return "it is binary data"
	}

	return "it is text without #EXTM3U"
}

func isBox(kind string) bool {
	switch kind {
	case "ftyp", "styp", "moov", "moof", "sidx":
		return true
	}
	return false
}
