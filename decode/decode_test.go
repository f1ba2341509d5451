package decode_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// frames returns the keyframes of a raw byte stream.
func frames(data []byte, c keyframe.Codec) (all []*keyframe.Frame) {
	s := keyframe.NewByteStream(c)
	s.Push(data)
	for f := s.Next(); f != nil; f = s.Next() {
		all = append(all, f)
	}
	for f := s.Flush(); f != nil; f = s.Flush() {
		all = append(all, f)
	}
	return all
}

// stream returns the keyframes of a test stream in an Annex B file.
func stream(tb testing.TB, name string, c keyframe.Codec) []*keyframe.Frame {
	tb.Helper()
	data, err := os.ReadFile(testmedia.Make(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	all := frames(data, c)
	if len(all) == 0 {
		tb.Fatalf("%s: no keyframe", name)
	}
	return all
}

// unwrapped is like stream for a transport stream. It uses ffmpeg's demuxer.
func unwrapped(tb testing.TB, name string, c keyframe.Codec) []*keyframe.Frame {
	tb.Helper()
	path := testmedia.Make(tb, name)
	data, err := exec.Command("ffmpeg", "-v", "quiet", "-i", path, "-map", "0:v:0", "-c", "copy", "-f", c.String(), "-").Output()
	if err != nil {
		tb.Fatal(err)
	}
	return frames(data, c)
}

func decodeTo(tb testing.TB, f *keyframe.Frame, o decode.Output) []byte {
	tb.Helper()
	var w bytes.Buffer
	if err := new(decode.Decoder).Decode(context.Background(), &w, f, o); err != nil {
		tb.Fatal(err)
	}
	return w.Bytes()
}

// ffmpeg pipes data through an ordinary ffmpeg command line.
func ffmpeg(tb testing.TB, data []byte, args ...string) []byte {
	tb.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-v", "quiet", "-nostdin"}, args...)...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("ffmpeg %v: %v", args, err)
	}
	return out
}

// plain returns ffmpeg's own picture of a frame. The command line has none of
// kfgrab's arguments except exact cropping and the matrix that ffmpeg does not
// assume.
func plain(tb testing.TB, f *keyframe.Frame) []byte {
	tb.Helper()
	scale := "scale"
	if f.Info.Matrix == keyframe.Unspecified && f.Info.Height > 576 {
		scale += "=in_color_matrix=bt709"
	}
	return ffmpeg(tb, f.Data, "-flags", "unaligned", "-f", f.Codec.String(), "-i", "pipe:0", "-frames:v", "1", "-vf", scale, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
}

func psnr(a, b []byte) float64 {
	if len(a) != len(b) {
		return 0
	}
	sum := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a))/sum)
}

var streams = []struct {
	name  string
	codec keyframe.Codec
}{
	{"h264.264", keyframe.H264},
	{"h265.265", keyframe.H265},
	{"no-wpp.265", keyframe.H265},
	{"10bit.264", keyframe.H264},
	{"10bit.265", keyframe.H265},
	{"422.264", keyframe.H264},
	{"422-10bit.264", keyframe.H264},
	{"422-10bit.265", keyframe.H265},
	{"444.264", keyframe.H264},
	{"444.265", keyframe.H265},
	{"444-10bit.264", keyframe.H264},
	{"cropped.264", keyframe.H264},
	{"grey.264", keyframe.H264},
	{"bt709.264", keyframe.H264},
	{"bt709-full.264", keyframe.H264},
	{"1080p.264", keyframe.H264},
}

// TestDecode proves that the lossless formats hold exactly what ffmpeg decodes,
// and the others nearly. Go's own decoders must read them.
func TestDecode(t *testing.T) {
	for _, c := range streams {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := stream(t, c.name, c.codec)[0]
			want := plain(t, f)
			if got := decodeTo(t, f, decode.Output{Format: decode.RGB24}); !bytes.Equal(got, want) {
				t.Errorf("RGB24 of %d bytes is not ffmpeg's, PSNR %.1f dB", len(got), psnr(got, want))
			}
			img, err := png.Decode(bytes.NewReader(decodeTo(t, f, decode.Output{Format: decode.PNG})))
			if err != nil {
				t.Fatal(err)
			}
			if got := pixels(img); !bytes.Equal(got, want) {
				t.Errorf("the PNG is not ffmpeg's, PSNR %.1f dB", psnr(got, want))
			}
			if _, ok := img.(*image.RGBA); !ok {
				t.Errorf("the PNG reads as %T, want one without alpha", img)
			}
			viewable(t, f, want)
		})
	}
}

// viewable checks that the JPEG is of a kind that all viewers show.
func viewable(t *testing.T, f *keyframe.Frame, want []byte) {
	t.Helper()
	b := decodeTo(t, f, decode.Output{Quality: 100})
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	ratio := [...]image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444}[f.Info.ChromaFormat]
	if y, ok := img.(*image.YCbCr); !ok || y.SubsampleRatio != ratio {
		t.Errorf("the JPEG reads as %T, want %v", img, ratio)
	}
	if w, h := f.Info.Width, f.Info.Height; img.Bounds() != image.Rect(0, 0, w, h) {
		t.Errorf("the JPEG is %v, want %dx%d", img.Bounds(), w, h)
	}
	// 4:2:0 damages the saturated edges in testsrc2, but not the luma.
	if got := psnr(luma(pixels(img)), luma(want)); got < 30 {
		t.Errorf("luma of the JPEG has a PSNR of %.1f dB", got)
	}
	if bytes.Contains(b, []byte("Lavc")) {
		t.Error("the JPEG names ffmpeg's version")
	}
}

func pixels(img image.Image) []byte {
	r := img.Bounds()
	out := make([]byte, 0, 3*r.Dx()*r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			out = append(out, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return out
}

func luma(rgb []byte) []byte {
	out := make([]byte, len(rgb)/3)
	for i := range out {
		out[i] = byte((299*int(rgb[3*i]) + 587*int(rgb[3*i+1]) + 114*int(rgb[3*i+2])) / 1000)
	}
	return out
}

// TestColours proves that saturated colours survive, whatever matrix and range
// the stream has, named or not.
func TestColours(t *testing.T) {
	for _, name := range []string{"bt601.264", "bt709.264", "bt709-full.264", "bare-sd.264", "bare-hd.264", "bare-hd.265", "bt709 from colr", "full range from colr"} {
		var f *keyframe.Frame
		switch name {
		case "bt709 from colr":
			f = stream(t, "bare-small-hd.264", keyframe.H264)[0]
			f.Info.Matrix = 1
		case "full range from colr":
			f = stream(t, "bare-full.264", keyframe.H264)[0]
			f.Info.FullRange = true
		case "bare-hd.265":
			f = stream(t, name, keyframe.H265)[0]
		default:
			f = stream(t, name, keyframe.H264)[0]
		}
		for _, format := range []decode.Format{decode.JPEG, decode.PNG, decode.WebP} {
			t.Run(name+"/"+format.String(), func(t *testing.T) {
				b := decodeTo(t, f, decode.Output{Format: format, Quality: 100})
				rgb := shown(t, b, format)
				for i, want := range [][3]int{{240, 0, 0}, {0, 240, 0}, {0, 0, 240}} {
					w, h := f.Info.Width, f.Info.Height
					at := 3 * ((h/6+h/3*i)*w + w*15/16)
					for k := range 3 {
						if d := int(rgb[at+k]) - want[k]; d < -10 || d > 10 {
							t.Errorf("pixel of band %d is %v, want %v", i, rgb[at:at+3], want)
							break
						}
					}
				}
			})
		}
	}
}

// shown reads a picture with Go's decoders, or with ffmpeg if Go has none.
func shown(t *testing.T, b []byte, format decode.Format) []byte {
	t.Helper()
	if format == decode.WebP {
		return ffmpeg(t, b, "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return pixels(img)
}

// TestNotIDR proves that random access pictures other than IDR decode to the
// picture that a decoder shows when it has seen the stream from its beginning.
func TestNotIDR(t *testing.T) {
	open := stream(t, "open-gop.264", keyframe.H264)
	interlaced := unwrapped(t, "interlaced.ts", keyframe.H264)
	cra := stream(t, "cra.265", keyframe.H265)
	refresh := stream(t, "refresh.264", keyframe.H264)
	for _, c := range []struct {
		name    string
		frame   *keyframe.Frame
		kind    keyframe.Kind
		source  string
		picture string // its number in display order
	}{
		{"open GOP", open[1], keyframe.RecoveryPoint, "open-gop.264", "25"},
		{"interlaced", interlaced[1], keyframe.IDR, "interlaced.ts", "25"},
		{"CRA", cra[1], keyframe.CRA, "cra.265", "25"},
		{"gradual refresh", refresh[1], keyframe.GradualRefresh, "refresh.264", "49"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.frame.Kind != c.kind {
				t.Fatalf("kind %v, want %v", c.frame.Kind, c.kind)
			}
			want := ffmpeg(t, nil, "-i", testmedia.Make(t, c.source), "-map", "0:v", "-vf", "select=eq(n\\,"+c.picture+")",
				"-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
			o := decode.Output{Format: decode.RGB24, Width: c.frame.Info.Width, Height: c.frame.Info.Height, KeepInterlaced: true}
			if got := decodeTo(t, c.frame, o); !bytes.Equal(got, want) {
				t.Errorf("another picture, PSNR %.1f dB", psnr(got, want))
			}
		})
	}
}

// TestIntra decodes a lone I picture from a stream that promises no clean
// start.
func TestIntra(t *testing.T) {
	open := stream(t, "open-gop.264", keyframe.H264)[1]
	lone := lone([]*keyframe.Frame{open})
	if len(lone) != 1 || lone[0].Kind != keyframe.Intra {
		t.Fatalf("%d frames, want one all-intra picture", len(lone))
	}
	o := decode.Output{Format: decode.RGB24}
	if !bytes.Equal(decodeTo(t, lone[0], o), decodeTo(t, open, o)) {
		t.Error("the picture differs from that with its recovery point SEI")
	}
}

// TestJobReplaced proves that Decode replaces a process that was started for
// something else.
func TestJobReplaced(t *testing.T) {
	refresh := stream(t, "refresh.264", keyframe.H264)[1]
	o := decode.Output{Format: decode.RGB24}
	for _, c := range []struct {
		name  string
		codec keyframe.Codec
		frame *keyframe.Frame
	}{
		{"same", keyframe.H264, stream(t, "h264.264", keyframe.H264)[0]},
		{"another codec", keyframe.H264, stream(t, "h265.265", keyframe.H265)[0]},
		{"several pictures", keyframe.H264, refresh},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, err := new(decode.Decoder).Start(context.Background(), c.codec, o)
			if err != nil {
				t.Fatal(err)
			}
			var w bytes.Buffer
			if err := j.Decode(context.Background(), &w, c.frame); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.Bytes(), decodeTo(t, c.frame, o)) {
				t.Error("another picture than the Decoder's own")
			}
		})
	}
}

func TestQuality(t *testing.T) {
	f := stream(t, "h264.264", keyframe.H264)[0]
	for _, format := range []decode.Format{decode.JPEG, decode.WebP} {
		size := func(q int) int { return len(decodeTo(t, f, decode.Output{Format: format, Quality: q})) }
		if a, b, c := size(1), size(50), size(100); a >= b || b >= c {
			t.Errorf("%v of quality 1, 50, 100 has %d, %d, %d bytes", format, a, b, c)
		}
		if a, b := size(0), size(90); a != b {
			t.Errorf("%v of the default quality has %d bytes, that of 90 has %d", format, a, b)
		}
	}
}

func TestRefused(t *testing.T) {
	f := stream(t, "h264.264", keyframe.H264)[0]
	huge := *f
	huge.Info.Width, huge.Info.Height = 16384, 16384
	wide := *f
	wide.Info.SARNum, wide.Info.SARDen = 10, 1
	wide.Info.Width = 4096
	unknown := *f
	unknown.Codec = keyframe.UnknownCodec
	for _, c := range []struct {
		name        string
		frame       *keyframe.Frame
		output      decode.Output
		unsupported bool
	}{
		{"too many pixels", &huge, decode.Output{}, true},
		{"too wide as square pixels", &wide, decode.Output{}, true},
		{"codec", &unknown, decode.Output{}, true},
		{"quality", f, decode.Output{Quality: 101}, false},
		{"more pixels than asked for", f, decode.Output{MaxPixels: 640*360 - 1}, true},
		{"more pixels of output than asked for", f, decode.Output{MaxPixels: 640 * 360, Width: 641, Height: 360}, false},
		{"bound", f, decode.Output{MaxPixels: -1}, false},
		{"bound too high", f, decode.Output{MaxPixels: decode.MaxPixels + 1}, false},
		{"width", f, decode.Output{Width: -1}, false},
		{"height", f, decode.Output{Height: 16384}, false},
		{"both", f, decode.Output{Width: 16000, Height: 16000}, false},
		{"format", f, decode.Output{Format: 99}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w bytes.Buffer
			err := new(decode.Decoder).Decode(context.Background(), &w, c.frame, c.output)
			if err == nil || w.Len() > 0 {
				t.Fatalf("error %v and %d bytes", err, w.Len())
			}
			if errors.Is(err, keyframe.ErrUnsupported) != c.unsupported {
				t.Errorf("error %q", err)
			}
		})
	}
}
