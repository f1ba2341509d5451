package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // what the contestants write
	_ "image/png"
	"math"
	"os"
	"os/exec"
)

// luma is the luminance of a picture, row by row.
type luma struct {
	width, height int
	pix           []byte
}

// samePSNR separates a picture that was only recompressed as JPEG (35 dB and more) from
// any other picture of the suite's streams, which move as a whole (below 15 dB).
const samePSNR = 25

// decodeLuma decodes a JPEG or PNG.
func decodeLuma(file []byte) (luma, error) {
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return luma{}, fmt.Errorf("no picture: %w", err)
	}
	b := img.Bounds()
	l := luma{width: b.Dx(), height: b.Dy(), pix: make([]byte, 0, b.Dx()*b.Dy())}
	if ycc, ok := img.(*image.YCbCr); ok {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			at := ycc.YOffset(b.Min.X, y)
			l.pix = append(l.pix, ycc.Y[at:at+l.width]...)
		}
		return l, nil
	}

	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			// The weights of Rec. ITU-R BT.601, as in JFIF.
			l.pix = append(l.pix, byte((299*(r>>8)+587*(g>>8)+114*(b>>8)+500)/1000))
		}
	}
	return l, nil
}

// psnr returns the PSNR of two pictures in decibels: 99 if they are equal, 0 if their
// sizes differ.
func psnr(a, b luma) float64 {
	if a.width != b.width || a.height != b.height || len(a.pix) == 0 {
		return 0
	}
	var sum float64
	for i, v := range a.pix {
		d := float64(v) - float64(b.pix[i])
		sum += d * d
	}
	if sum == 0 {
		return 99
	}
	return min(99, 10*math.Log10(255*255*float64(len(a.pix))/sum))
}

// expected is a stage with the pictures that contestants should get from it.
type expected struct {
	*stage
	picture, thumbnail luma
}

// decodeExpected decodes the pictures that contestants should get.
func (s *suite) decodeExpected(ctx context.Context, st *stage) (expected, error) {
	e := expected{stage: st}
	var err error
	if e.picture, err = decodeFirst(ctx, st.reference, ""); err != nil {
		return e, err
	}
	if st.smallReference != nil {
		e.thumbnail, err = decodeFirst(ctx, st.smallReference, "scale=320:-2")
	}
	return e, err
}

// decodeFirst returns the first picture of a stream.
func decodeFirst(ctx context.Context, pieces []piece, filter string) (luma, error) {
	stream, err := joinPieces(pieces)
	if err != nil {
		return luma{}, err
	}
	args := splitWords("-nostdin -v error -i pipe:0 -frames:v 1 -f image2pipe -c:v png")
	if filter != "" {
		args = append(args, "-vf", filter)
	}

	cmd := exec.CommandContext(ctx, "ffmpeg", append(args, "pipe:1")...)
	cmd.Stdin = bytes.NewReader(stream)
	out, err := cmd.Output()
	if len(out) == 0 {
		return luma{}, fmt.Errorf("decoding the picture to compare with: %w", err)
	}
	return decodeLuma(out)
}

func readPicture(path string) (luma, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return luma{}, errors.New("no picture")
	}
	return decodeLuma(b)
}
