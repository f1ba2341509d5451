package bench

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // what the contestants write
	_ "image/png"
	"math"
)

// luma is a picture's luminance, in rows.
type luma struct {
	width, height int
	pix           []byte
}

// samePSNR parts a picture that was only compressed again as JPEG (35 dB and more)
// from any other of the suite's streams (under 15 dB), which move as a whole.
const samePSNR = 25

// readLuma decodes a JPEG or PNG.
func readLuma(file []byte) (luma, error) {
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

// psnr compares two pictures, in decibels: 99 where they are equal, 0 where their
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
