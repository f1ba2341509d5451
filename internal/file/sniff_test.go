package file_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		head, want string
		kind       error
	}{
		{"", "the input is empty", keyframe.ErrCorrupt},
		{"\n <!DOCTYPE html><html><body>GET lost</body></html>", "HTML", keyframe.ErrCorrupt},
		{"<html>" + strings.Repeat("G", 50) + strings.Repeat(" padding", 500), "HTML", keyframe.ErrCorrupt},
		{"#EXTM3U\n#EXTINF:4,\na.ts\n", "HLS playlist", keyframe.ErrUnsupported},
		{"\xef\xbb\xbf#EXTM3U\n", "HLS playlist", keyframe.ErrUnsupported},
		{"\x1a\x45\xdf\xa3\x01\x00\x00", "Matroska or WebM", keyframe.ErrUnsupported},
		{"RIFF\x00\x00\x00\x00AVI LIST", "AVI", keyframe.ErrUnsupported},
		{"RIFF\x00\x00\x00\x00WAVEfmt ", "audio", keyframe.ErrUnsupported},
		{"RIFF\x00\x00\x00\x00WEBPVP8 ", "WebP", keyframe.ErrUnsupported},
		{"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG", keyframe.ErrUnsupported},
		{"\x12\x00\x0a\x0d\x20", "raw AV1", keyframe.ErrUnsupported},
		{"nut/multimedia container\x00", "NUT", keyframe.ErrUnsupported},
		{"\x06\x0e\x2b\x34\x02\x05", "MXF", keyframe.ErrUnsupported},
		{"\x89PNG\r\n\x1a\n", "PNG", keyframe.ErrUnsupported},
		{"--frame\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8", "motion JPEG", keyframe.ErrUnsupported},
		{"\x00\x00\x01\xba\x44\x00", "MPEG program stream", keyframe.ErrUnsupported},
		{"\x00\x00\x01\xb3\x14\x00", "MPEG-2 video", keyframe.ErrUnsupported},
		{"ID3\x04\x00", "audio", keyframe.ErrUnsupported},
		{"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\n", "rtsp://", keyframe.ErrUnsupported},
		{`{"error":"not found"}`, "JSON", keyframe.ErrUnsupported},
		{"<?xml version=\"1.0\"?><MPD>", "DASH", keyframe.ErrUnsupported},
		{"Gone with the wind " + strings.Repeat("of change ", 30), "neither", keyframe.ErrCorrupt},
		{strings.Repeat("\x00", 5000), "neither", keyframe.ErrCorrupt},
	} {
		_, err := file.NewStream(strings.NewReader(c.head), nil).Keyframe(t.Context())
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: %v, want %q", c.head, err, c.want)
		}
	}
}

// formats are recipes of each format, with the fewest leading bytes that
// identify it if more may follow.
var formats = []struct {
	recipe string
	want   file.Format
	least  int
}{
	{"h264.ts", file.TransportStream, 5 * 188},
	{"wrap.ts", file.TransportStream, 5 * 188},
	{"faststart.mp4", file.MP4, 8},
	{"fragmented.mp4", file.MP4, 8},
	{"h264.264", file.ByteStream, 5},
	{"h265.265", file.ByteStream, 5},
}

func TestSniff(t *testing.T) {
	for _, c := range formats {
		data := read(t, c.recipe)[:file.SniffSize]
		for n := c.least; n <= len(data); n++ {
			if got := file.Sniff(data[:n], false); got != c.want {
				t.Errorf("%d bytes of %s: %v", n, c.recipe, got)
				break
			}
		}
	}
	data := read(t, "h264.ts")
	for at := range 188 {
		if file.Sniff(data[at:at+file.SniffSize], false) != file.TransportStream {
			t.Errorf("a transport stream from byte %d", at)
		}
	}
}

// FuzzSniff checks that every recognised format has a reader, that errors are
// of the known kinds, and that a pipe and a file give the same keyframe.
func FuzzSniff(f *testing.F) {
	for _, c := range formats {
		if path, err := testmedia.Path(c.recipe); err == nil {
			if data, err := os.ReadFile(path); err == nil {
				f.Add(data[:c.least])
				f.Add(data[:16<<10])
			}
		}
	}
	f.Add([]byte("<html>"))
	f.Add([]byte("\x00\x00\x00\x01\x67\x42"))
	f.Add([]byte("\x00\x00\x00\x01ftyp\x00\x00\x00\x00\x00\x00\x00\x18"))
	f.Fuzz(func(t *testing.T, data []byte) {
		head := data[:min(len(data), file.SniffSize)]
		format := file.Sniff(head, len(data) < file.SniffSize)
		got, err := file.NewStream(bytes.NewReader(data), nil).Keyframe(t.Context())
		unread := err != nil && (strings.Contains(err.Error(), "neither MPEG-TS") || strings.Contains(err.Error(), "this is "))
		switch {
		case err != nil && !known(err):
			t.Fatal(err)
		case format == file.UnknownFormat && got != nil:
			t.Fatal("a keyframe of an unknown format")
		case format != file.UnknownFormat && unread:
			t.Fatalf("format %v is not read: %v", format, err)
		}
		whole, wholeErr := fromFile(t, data)
		if (err == nil) != (wholeErr == nil) || err == nil && !bytes.Equal(whole.Data, got.Data) {
			t.Fatalf("piped: %v; as a file: %v", err, wholeErr)
		}
	})
}

func fromFile(t *testing.T, data []byte) (*keyframe.Frame, error) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	return file.Open(f.Name(), nil).Keyframe(t.Context())
}
