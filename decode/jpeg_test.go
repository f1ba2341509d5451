package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// picture returns JPEG number n of a recipe that makes several.
func picture(t testing.TB, recipe string, n int) *keyframe.Frame {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf(testmedia.Make(t, recipe), n))
	if err != nil {
		t.Fatal(err)
	}
	info, err := keyframe.ParseInfo(keyframe.JPEG, data)
	if err != nil {
		t.Fatal(err)
	}
	return &keyframe.Frame{Codec: keyframe.JPEG, Kind: keyframe.Tile, Data: data, Pictures: 1, PTS: keyframe.NoPTS, Info: info}
}

// tile returns tile k of the grid, which is three tiles wide and two high.
func tile(t testing.TB, grid, k int) *keyframe.Frame {
	f := picture(t, "tiles", grid)
	f.Info.Width, f.Info.Height = f.Info.CodedWidth/3, f.Info.CodedHeight/2
	at := image.Pt(k%3*f.Info.Width, k/3*f.Info.Height)
	f.Crop = image.Rectangle{at, at.Add(image.Pt(f.Info.Width, f.Info.Height))}
	return f
}

// still returns picture n as it was before it became a tile.
func still(t testing.TB, n int) []byte {
	t.Helper()
	data, err := os.ReadFile(testmedia.Make(t, "stills.rgb"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 160 * 90 * 3
	return data[n*size:][:size]
}

// TestTile proves that a tile shows nothing of its neighbours.
func TestTile(t *testing.T) {
	for n := range 20 {
		f := tile(t, n/6, n%6)
		if got := psnr(decodeTo(t, f, decode.Output{Format: decode.RGB24}), still(t, n)); got < 25 {
			t.Errorf("picture %d: %.1f dB", n, got)
		}
	}
}

// TestTileOdd checks the luma of a tile at odd coordinates. Colour has half the
// lines and columns, so it comes from the next even pixel.
func TestTileOdd(t *testing.T) {
	f := picture(t, "tiles", 0)
	all := luma(decodeTo(t, f, decode.Output{Format: decode.RGB24}))
	f.Crop = image.Rect(161, 91, 318, 178)
	f.Info.Width, f.Info.Height = f.Crop.Dx(), f.Crop.Dy()
	var want []byte
	for y := f.Crop.Min.Y; y < f.Crop.Max.Y; y++ {
		want = append(want, all[y*480+f.Crop.Min.X:y*480+f.Crop.Max.X]...)
	}
	if got := psnr(luma(decodeTo(t, f, decode.Output{Format: decode.RGB24})), want); got < 30 {
		t.Errorf("%.1f dB", got)
	}
}

// TestTileOutputs proves that a tile gives the same formats and sizes as a
// keyframe.
func TestTileOutputs(t *testing.T) {
	f := tile(t, 1, 4)
	for _, o := range []decode.Output{{}, {Format: decode.PNG}, {Format: decode.WebP}, {Width: 80}, {Height: 33, Format: decode.PNG}, {Width: 64, Height: 64}} {
		data := decodeTo(t, f, o)
		if o.Format == decode.WebP {
			continue // the decoder has checked that it is whole
		}
		got, _, err := image.DecodeConfig(bytes.NewReader(data))
		if w, h := o.Size(f.Info); err != nil || got.Width != w || got.Height != h {
			t.Errorf("%+v: %dx%d, want %dx%d; %v", o, got.Width, got.Height, w, h, err)
		}
	}
}

// TestJPEGAsItCame proves that a JPEG that already fits the output is not
// encoded again.
func TestJPEGAsItCame(t *testing.T) {
	whole := picture(t, "pictures", 3)
	dense := *whole
	dense.Data = ffmpeg(t, whole.Data, "-f", "mjpeg", "-i", "pipe:0", "-pix_fmt", "yuvj444p", "-f", "mjpeg", "pipe:1")
	var err error
	if dense.Info, err = keyframe.ParseInfo(keyframe.JPEG, dense.Data); err != nil || dense.Info.ChromaFormat != 3 {
		t.Fatal(dense.Info, err)
	}
	for _, tt := range []struct {
		name   string
		frame  *keyframe.Frame
		output decode.Output
		same   bool
	}{
		{"whole", whole, decode.Output{}, true},
		{"of its size", whole, decode.Output{Width: 160}, true},
		{"smaller", whole, decode.Output{Width: 80}, false},
		{"of a quality", whole, decode.Output{Quality: 90}, false},
		{"of another format", whole, decode.Output{Format: decode.PNG}, false},
		{"of another chroma format", &dense, decode.Output{}, false},
		{"a part", tile(t, 0, 0), decode.Output{}, false},
	} {
		if got := bytes.Equal(decodeTo(t, tt.frame, tt.output), tt.frame.Data); got != tt.same {
			t.Errorf("%s: as it came %v, want %v", tt.name, got, tt.same)
		}
	}
	var w bytes.Buffer
	j, err := new(decode.Decoder).Start(context.Background(), keyframe.JPEG, decode.Output{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Decode(context.Background(), &w, whole); err != nil || w.Len() == 0 {
		t.Errorf("a job: %d bytes, %v", w.Len(), err)
	}
}

// TestJPEGBesides proves that other data in a JPEG changes nothing: a density,
// which Info does not report, invalid Exif, and padding.
func TestJPEGBesides(t *testing.T) {
	f := picture(t, "tiles", 0)
	o := decode.Output{Format: decode.RGB24, Width: 100}
	want := decodeTo(t, f, o)
	const square = "JFIF\x00\x01\x02\x00\x00\x01\x00\x01"
	if !bytes.Contains(f.Data, []byte(square)) {
		t.Fatal("there is no density to change")
	}
	exif := "Exif\x00\x00 that is no TIFF"
	for name, data := range map[string][]byte{
		"density": bytes.Replace(f.Data, []byte(square), []byte("JFIF\x00\x01\x02\x00\x00\x01\x00\x02"), 1),
		"Exif":    append([]byte("\xff\xd8\xff\xe1\x00"+string(byte(2+len(exif)))+exif), f.Data[2:]...),
		"padding": append(bytes.Clone(f.Data), 0, 0, '\r', '\n'),
	} {
		other := *f
		other.Data = data
		if !bytes.Equal(decodeTo(t, &other, o), want) {
			t.Errorf("%s: another picture", name)
		}
	}
}

// TestJPEGDamage proves that a truncated JPEG is never shown, even if it ends
// with the marker of a whole one.
func TestJPEGDamage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		f := picture(t, "pictures", 5)
		cut := len(f.Data)/3 + random.IntN(len(f.Data)/2)
		f.Data = append(f.Data[:cut:cut], 0xff, 0xd9)
		for _, o := range []decode.Output{{}, {Width: 100}} {
			var w bytes.Buffer
			err := new(decode.Decoder).Decode(context.Background(), &w, f, o)
			if !errors.Is(err, keyframe.ErrCorrupt) || w.Len() > 0 {
				t.Errorf("cut at %d: %d bytes, %v", cut, w.Len(), err)
			}
		}
	}
}
