package picture

import (
	"bytes"
	"image"
	"image/draw"
	_ "image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// clips are streams of all kinds, with the filters and scale options that
// ffmpeg needs for a right picture. With neither, ffmpeg's default is right.
var clips = []struct{ name, filters, scale string }{
	{"h264.ts", "", ""},
	{"h265.ts", "", ""},
	{"open-gop.ts", "", ""},
	{"faststart.mp4", "", ""},
	{"h265.mp4", "", ""},
	{"turned.mp4", "", ""},
	{"10bit.264", "", ""},
	{"10bit.265", "", ""},
	{"422.264", "", ""},
	{"422-10bit.264", "", ""},
	{"422-10bit.265", "", ""},
	{"444.264", "", ""},
	{"444.265", "", ""},
	{"444-10bit.264", "", ""},
	{"grey.264", "", ""},
	{"bt601.264", "", ""},
	{"bt709.264", "", ""},
	{"bt709-full.264", "", ""},
	{"not-woven.264", "", ""},
	{"turned.264", "", ""},

	// Without a stated matrix, HD colours are BT.709's, not BT.601's.
	{"1080p.ts", "", "in_color_matrix=bt709:"},
	{"bare-hd.264", "", "in_color_matrix=bt709:"},
	{"bare-hd.265", "", "in_color_matrix=bt709:"},
	// Pixels are square.
	{"anamorphic.mp4", "", "1047:576:"},
	{"sar43.264", "", "853:360:"},
	// A picture shows one moment.
	{"tff.264", "trim=end_frame=1,yadif,", ""},
	{"bff.264", "trim=end_frame=1,yadif,", ""},
	{"fields.265", "scale=720:576,", ""},
	// A picture is SDR in BT.709.
	{"pq.265", "format=yuv444p10,zscale=t=linear:npl=203,format=gbrpf32,zscale=p=bt709,tonemap=mobius:peak=5:desat=0,zscale=t=bt709:m=bt709:r=limited,format=yuv444p,", ""},
	{"bt2020.265", "format=yuv444p10,zscale=p=bt709:t=bt709:m=bt709:r=limited,format=yuv444p,", ""},
}

// TestLikeFFmpeg proves that kfgrab's picture of every clip is ffmpeg's, with
// pixels as viewers see them. A PNG must match ffmpeg's first picture, a JPEG
// the same if ffmpeg is set to treat JPEG colours as JFIF's. KFGRAB_PAIRS names a
// directory for pairs of pictures: kfgrab's on the left, ffmpeg's without any
// filter on the right.
func TestLikeFFmpeg(t *testing.T) {
	const least = 45 // dB
	for _, c := range clips {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := clip(t, c.name)
			s, err := kfgrab.Grab(t.Context(), path, nil)
			if err != nil {
				t.Fatal(err)
			}
			scale := c.filters + "scale=" + c.scale
			ours := made(t, s, PNG)
			if got := psnr(ours, firstPicture(t, path, "-vf", scale+"flags=bicubic,format=rgb24", "-c:v", "png")); got < least {
				t.Errorf("PNG: PSNR %.1f dB", got)
			}
			ourJPEG := made(t, s, JPEG)
			if got := psnr(ourJPEG, firstPicture(t, path, "-vf", scale+"out_color_matrix=bt601:out_range=full,format="+subsampled(s), "-c:v", "mjpeg", "-q:v", "5")); got < least {
				t.Errorf("JPEG: PSNR %.1f dB", got)
			}
			if dir := os.Getenv("KFGRAB_PAIRS"); dir != "" {
				plain := firstPicture(t, path, "-c:v", "mjpeg", "-q:v", "5")
				t.Logf("as JPEG, beside the PNG: %.1f dB; ffmpeg's without a word: %.1f dB", psnr(ourJPEG, ours), psnr(plain, ours))
				writePair(t, filepath.Join(dir, c.name+".png"), ourJPEG, plain)
			}
		})
	}
}

// subsampled returns the pixel format of a JPEG with the stream's chroma
// subsampling.
func subsampled(s *kfgrab.Snapshot) string {
	i := s.Frame.Info
	if i.HDR() || i.Primaries == 9 || i.ChromaFormat < 2 {
		return "yuvj420p"
	}
	return [...]string{2: "yuvj422p", 3: "yuvj444p"}[i.ChromaFormat]
}

// clip returns the path of a test stream, or of a copy of an MP4 file whose
// matrix asks for a quarter turn clockwise.
func clip(t *testing.T, name string) string {
	t.Helper()
	if name != "turned.mp4" {
		return testmedia.Make(t, name)
	}
	data, err := os.ReadFile(testmedia.Make(t, "faststart.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	const behindBox = 4 + 40 // the matrix of tkhd, version 0 (ISO/IEC 14496-12 8.3.2)
	at := bytes.Index(data, []byte("tkhd")) + behindBox
	copy(data[at:], "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00")
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func made(t *testing.T, s *kfgrab.Snapshot, f Format) image.Image {
	t.Helper()
	data, err := Make(t.Context(), &decode.Decoder{}, s, &Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// firstPicture returns ffmpeg's first picture of a file.
func firstPicture(t *testing.T, path string, args ...string) image.Image {
	t.Helper()
	args = append([]string{"-v", "error", "-nostdin", "-i", path, "-map", "0:v:0", "-frames:v", "1"}, args...)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append(args, "-f", "image2pipe", "-")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	data, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// psnr returns 0 if the sizes differ.
func psnr(a, b image.Image) float64 {
	if a.Bounds() != b.Bounds() {
		return 0
	}
	x, y, sum := rgba(a), rgba(b), 0.0
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(x)/4*3)/sum)
}

func rgba(img image.Image) []byte {
	out := image.NewRGBA(img.Bounds())
	draw.Draw(out, out.Rect, img, out.Rect.Min, draw.Src)
	return out.Pix
}

func writePair(t *testing.T, path string, left, right image.Image) {
	t.Helper()
	l, r := left.Bounds(), right.Bounds()
	pair := image.NewRGBA(image.Rect(0, 0, l.Dx()+8+r.Dx(), max(l.Dy(), r.Dy())))
	draw.Draw(pair, l, left, l.Min, draw.Src)
	draw.Draw(pair, r.Add(image.Pt(l.Dx()+8, 0)), right, r.Min, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, pair); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
