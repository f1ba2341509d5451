package decode

import (
	"bytes"
	"context"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestIsWhole proves that isWhole accepts a whole picture, but neither a part
// of it, cut anywhere, nor two pictures.
func TestIsWhole(t *testing.T) {
	f := firstFrame(t, "tiny.264", keyframe.H264)
	for format := range formats {
		o := Output{Format: Format(format)}
		var picture bytes.Buffer
		if err := new(Decoder).Decode(context.Background(), &picture, f, o); err != nil {
			t.Fatal(err)
		}
		o.Width, o.Height = o.Size(f.Info)
		b := picture.Bytes()
		for n := range len(b) {
			if whole, err := o.isWhole(b[:n]); whole || err != nil {
				t.Fatalf("%v: %d of %d bytes: %v, %v", o.Format, n, len(b), whole, err)
			}
		}
		if whole, err := o.isWhole(b); !whole || err != nil {
			t.Errorf("%v: all bytes: %v, %v", o.Format, whole, err)
		}
		if _, err := o.isWhole(append(b, b...)); err == nil {
			t.Errorf("%v: two pictures pass for one", o.Format)
		}
	}
}

// TestIsWholeNonsense proves that data which only begins or ends like a picture
// is refused, without a panic.
func TestIsWholeNonsense(t *testing.T) {
	for _, b := range []string{
		"", "\xff\xd9", "\xff\xd8\xff\xd9", "x\xff\xd9", "\xff\xd8\xff\xda\x00\x02\xff\xff\xd9", "\xff\xd8\xff\xe0\xff\xff\xff\xd9",
		"\x89PNG\r\n\x1a\n", "\x89PNG\r\n\x1a\nIEND\xae\x42\x60\x82", "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIENDIEND\xae\x42\x60\x82",
		"RIFF\xff\xff\xff\xffWEBP", "RIFF\x00\x00\x00\x00WEBP", "not a picture at all",
	} {
		for format := range formats {
			o := Output{Format: Format(format), Width: 100, Height: 100}
			if whole, _ := o.isWhole([]byte(b)); whole {
				t.Errorf("%v: %q is a picture", o.Format, b)
			}
		}
	}
}
