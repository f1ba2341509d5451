package keyframe_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// jpegHead is the beginning of a JPEG up to its frame header. The test chooses
// the header's marker, precision, height, width and components.
func jpegHead(marker byte, frame string) string {
	return "\xff\xd8" + "\xff\xe0\x00\x04hi" + "\xff\xff" + string([]byte{0xff, marker, 0, byte(2 + len(frame))}) + frame
}

const (
	three420 = "\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
	jpegEnd  = "\xff\xd9"
)

var jpegTests = []struct {
	name, data string
	want       string // describeJPEG's result, or the error
	is         error
}{
	{"baseline", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0"+three420) + jpegEnd, "160x90 Baseline yuvj420p", nil},
	{"progressive", jpegHead(0xc2, "\x08\x00\x5a\x00\xa0"+three420) + jpegEnd, "160x90 Progressive yuvj420p", nil},
	{"sequential", jpegHead(0xc1, "\x08\x00\x5a\x00\xa0"+three420) + jpegEnd, "160x90 Sequential yuvj420p", nil},
	{"grey", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0\x01\x01\x11\x00") + jpegEnd, "160x90 Baseline gray", nil},
	{"4:2:2", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0\x03\x01\x21\x00\x02\x11\x01\x03\x11\x01") + jpegEnd, "160x90 Baseline yuvj422p", nil},
	{"4:4:4", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01") + jpegEnd, "160x90 Baseline yuvj444p", nil},
	{"padded", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0"+three420) + jpegEnd + "\x00\x00\r\n", "160x90 Baseline yuvj420p", nil},
	{"tables before the frame", "\xff\xd8\xff\xc4\x00\x03x" + jpegHead(0xc0, "\x08\x00\x5a\x00\xa0"+three420)[2:] + jpegEnd, "160x90 Baseline yuvj420p", nil},

	{"empty", "", "not a JPEG", keyframe.ErrCorrupt},
	{"HTML", "<!DOCTYPE html><p>gone", "not a JPEG", keyframe.ErrCorrupt},
	{"PNG", "\x89PNG\r\n\x1a\n", "not a JPEG", keyframe.ErrCorrupt},
	{"no end", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0"+three420), "cut short", keyframe.ErrCorrupt},
	{"nothing between", "\xff\xd8\xff\xd9", "no frame header", keyframe.ErrCorrupt},
	{"scan first", "\xff\xd8\xff\xda\x00\x02\xff\xd9", "no frame header", keyframe.ErrCorrupt},
	{"a segment past the end", "\xff\xd8\xff\xe0\xff\xff\xff\xd9", "no frame header", keyframe.ErrCorrupt},
	{"a segment of no length", "\xff\xd8\xff\xe0\x00\x00\xff\xd9", "no frame header", keyframe.ErrCorrupt},
	{"no marker", "\xff\xd8hello\xff\xd9", "no frame header", keyframe.ErrCorrupt},
	{"short frame header", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0\x03\x01\x22") + jpegEnd, "short frame header", keyframe.ErrCorrupt},
	{"12 bits", jpegHead(0xc1, "\x0c\x00\x5a\x00\xa0"+three420) + jpegEnd, "3 components of 12 bits", keyframe.ErrUnsupported},
	{"CMYK", jpegHead(0xc0, "\x08\x00\x5a\x00\xa0\x04\x01\x11\x00\x02\x11\x01\x03\x11\x01\x04\x11\x01") + jpegEnd, "4 components", keyframe.ErrUnsupported},
	{"lossless", jpegHead(0xc3, "\x08\x00\x5a\x00\xa0"+three420) + jpegEnd, "marker c3", keyframe.ErrUnsupported},
	{"no height", jpegHead(0xc0, "\x08\x00\x00\x00\xa0"+three420) + jpegEnd, "has no size", keyframe.ErrUnsupported},
	{"no width", jpegHead(0xc0, "\x08\x00\x5a\x00\x00"+three420) + jpegEnd, "has no size", keyframe.ErrUnsupported},
}

func describeJPEG(i keyframe.Info) string {
	return fmt.Sprintf("%dx%d %s %s", i.Width, i.Height, i.Profile, i.PixFmt())
}

func TestParseJPEG(t *testing.T) {
	for _, tt := range jpegTests {
		i, err := keyframe.ParseInfo(keyframe.JPEG, []byte(tt.data))
		switch {
		case tt.is == nil && (err != nil || describeJPEG(i) != tt.want):
			t.Errorf("%s: %s, %v, want %s", tt.name, describeJPEG(i), err, tt.want)
		case tt.is != nil && (!errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) || i != keyframe.Info{}):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// TestParseJPEGAsFFprobe proves that ParseInfo and ffprobe agree.
func TestParseJPEGAsFFprobe(t *testing.T) {
	grid := fmt.Sprintf(testmedia.Make(t, "tiles"), 0)
	for _, format := range []string{"yuvj420p", "yuvj422p", "yuvj444p"} {
		path := filepath.Join(t.TempDir(), "a.jpg")
		if out, err := exec.Command("ffmpeg", "-v", "error", "-i", grid, "-pix_fmt", format, path).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s", format, out)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		i, err := keyframe.ParseInfo(keyframe.JPEG, data)
		if err != nil {
			t.Fatal(err)
		}
		want := ffprobe(t, &keyframe.Frame{Codec: keyframe.JPEG, Data: data})
		if got := fmt.Sprintf("%dx%d %s %s", want.Width, want.Height, want.Profile, want.PixFmt); got != describeJPEG(i) || i.BitDepth != 8 {
			t.Errorf("%s: %s, ffprobe says %s", format, describeJPEG(i), got)
		}
	}
}

// FuzzParseJPEG checks that no input causes a panic, and that every size is
// bounded.
func FuzzParseJPEG(f *testing.F) {
	for _, tt := range jpegTests {
		f.Add([]byte(tt.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := keyframe.ParseInfo(keyframe.JPEG, data)
		switch {
		case err == nil && (i.Width <= 0 || i.Height <= 0 || i.Width > 0xffff || i.Height > 0xffff || i.CodedWidth != i.Width || i.CodedHeight != i.Height):
			t.Errorf("impossible %+v", i)
		case err != nil && (i != keyframe.Info{} || !errors.Is(err, keyframe.ErrCorrupt) && !errors.Is(err, keyframe.ErrUnsupported)):
			t.Errorf("%+v with %v", i, err)
		}
	})
}
