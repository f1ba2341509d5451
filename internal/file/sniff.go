package file

import (
	"bytes"
	"fmt"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// Format is a format of video data.
type Format uint8

// The formats that kfgrab reads.
const (
	UnknownFormat   Format = iota
	Playlist               // HLS, RFC 8216
	TransportStream        // ISO/IEC 13818-1
	MP4                    // ISO/IEC 14496-12, also fragments of it
	ByteStream             // Annex B of ISO/IEC 14496-10 and ISO/IEC 23008-2
)

// SniffSize is how many bytes Sniff should get.
const SniffSize = 4 << 10

// Sniff detects the format of data by its beginning. all says whether head is all of it.
func Sniff(head []byte, all bool) Format {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("#EXTM3U")):
		return Playlist
	case fmp4.Sniff(head):
		return MP4
	case isByteStream(head):
		return ByteStream
	case ts.Sniff(head, all):
		return TransportStream
	}
	return UnknownFormat
}

// isByteStream reports whether head begins with a start code and the header of a NAL
// unit. In an MPEG program stream or MPEG-2 video, the first bit after it is set.
func isByteStream(head []byte) bool {
	zeros := 0
	for zeros < len(head) && head[zeros] == 0 {
		zeros++
	}
	return zeros >= 2 && zeros+1 < len(head) && head[zeros] == 1 && head[zeros+1]&0x80 == 0
}

// unreadableError returns an error that names the format, if it is a known one.
func unreadableError(head []byte) error {
	if len(head) == 0 {
		return fmt.Errorf("%w: the input is empty", keyframe.ErrCorrupt)
	}

	for _, s := range signatures {
		if len(head) >= s.at && bytes.HasPrefix(head[s.at:], []byte(s.magic)) {
			return fmt.Errorf("%w: this is %s", keyframe.ErrUnsupported, s.name)
		}
	}

	text := bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 512)]))
	switch {
	case bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html")):
		return fmt.Errorf("%w: this is an HTML page, not a video", keyframe.ErrCorrupt)
	case bytes.HasPrefix(text, []byte("--")) && bytes.Contains(text, []byte("image/jpeg")):
		return fmt.Errorf("%w: this is motion JPEG", keyframe.ErrUnsupported)
	}
	return fmt.Errorf("%w: neither MPEG-TS, MP4, H.264, H.265 nor an HLS playlist", keyframe.ErrCorrupt)
}

// signatures are the magic numbers of other formats that people try.
var signatures = []struct {
	at          int
	magic, name string
}{
	{0, "\x1a\x45\xdf\xa3", "Matroska or WebM"},
	{0, "FLV\x01", "Flash video"},
	{0, "OggS", "Ogg"},
	{8, "AVI ", "AVI"},
	{0, "\x30\x26\xb2\x75", "Windows Media"},
	{0, "\x00\x00\x01\xba", "an MPEG program stream"},
	{0, "\x00\x00\x01\xb3", "an MPEG-2 video stream"},
	{0, "DKIF", "IVF (VP8, VP9 or AV1)"},
	{0, "\x12\x00\x0a", "a raw AV1 stream; kfgrab reads H.264 and H.265"},
	{0, "nut/multimedia", "NUT"},
	{0, "\x06\x0e\x2b\x34", "MXF"},
	{0, "\xff\xd8\xff", "a JPEG picture already, or motion JPEG"},
	{0, "\x89PNG", "a PNG picture already"},
	{0, "GIF8", "a GIF picture already"},
	{8, "WEBP", "a WebP picture already"},
	{8, "WAVE", "audio"},
	{0, "ID3", "audio"},
	{0, "\xff\xf1", "audio (AAC)"},
	{0, "fLaC", "audio (FLAC)"},
	{0, "WEBVTT", "subtitles"},
	{0, "<?xml", "XML; a DASH manifest is not read"},
	{0, "<MPD", "a DASH manifest"},
	{0, "v=0", "a session description; open the rtsp:// URL that it belongs to"},
	{0, "{", "JSON"},
	{0, "\x1f\x8b", "gzip"},
	{0, "PK\x03\x04", "a zip archive"},
}
