package picture

import (
	"bytes"
	"context"
	"image"
	_ "image/png"
	"testing"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func snapshot(t *testing.T) *kfgrab.Snapshot {
	t.Helper()
	s, err := kfgrab.Grab(t.Context(), testmedia.Make(t, "h264.ts"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMake proves that Make returns what the decoder or the frame itself gives,
// in every format. A pool gives the same as a decoder.
func TestMake(t *testing.T) {
	s := snapshot(t)
	pool := &decode.Pool{}
	defer pool.Close()
	for f := JPEG; f <= MP4; f++ {
		o := &Options{Format: f, Output: decode.Output{Width: 320}, Deterministic: true, Software: "test"}
		one, err := Make(t.Context(), &decode.Decoder{}, s, o)
		if err != nil {
			t.Errorf("%v: %v", f, err)
			continue
		}
		other, err := Make(t.Context(), pool, s, o)
		if err != nil || !bytes.Equal(one, other) {
			t.Errorf("%v: from a pool %d bytes, not the %d of a decoder: %v", f, len(other), len(one), err)
		}
		told := bytes.Contains(one, []byte("h264.ts"))
		if want := f == JPEG || f == PNG || f == WebP; told != want {
			t.Errorf("%v: tells its source: %v, want %v", f, told, want)
		}
		if f == AnnexB && !bytes.Equal(one, s.Frame.Data) {
			t.Errorf("annexb: not the frame")
		}
	}
}

// TestMakeOverlay proves that a caption changes the lower left corner only. In
// lossless formats the rest stays exact.
func TestMakeOverlay(t *testing.T) {
	s := snapshot(t)
	images := [2]image.Image{}
	for k := range images {
		data, err := Make(t.Context(), &decode.Decoder{}, s, &Options{Format: PNG, Overlay: k == 1, Name: "front door"})
		if err != nil {
			t.Fatal(err)
		}
		if images[k], _, err = image.Decode(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	b := images[0].Bounds()
	corner, elsewhere := 0, 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if images[0].At(x, y) == images[1].At(x, y) {
				continue
			}
			if image.Pt(x, y).In(image.Rect(0, b.Dy()/2, b.Dx()*3/4, b.Dy())) {
				corner++
			} else {
				elsewhere++
			}
		}
	}
	if corner == 0 || elsewhere > 0 {
		t.Errorf("%d pixels differ in the corner, %d elsewhere", corner, elsewhere)
	}
}

func TestMakeError(t *testing.T) {
	s := snapshot(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if data, err := Make(ctx, &decode.Decoder{}, s, &Options{}); err == nil || data != nil {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		options Options
		good    bool
	}{
		{Options{}, true},
		{Options{Format: MP4}, true},
		{Options{Format: MP4 + 1}, false},
		{Options{Format: PNG, Overlay: true}, true},
		{Options{Format: WebP, Overlay: true}, false},
		{Options{Format: AnnexB, Overlay: true}, false},
		{Options{Output: decode.Output{Quality: 101}}, false},
		{Options{Tries: MaxTries}, true},
		{Options{Tries: MaxTries + 1}, false},
		{Options{Tries: -1}, false},
	} {
		if err := test.options.Validate(); (err == nil) != test.good {
			t.Errorf("%+v: %v", test.options, err)
		}
	}
}
