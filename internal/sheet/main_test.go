package sheet

import (
	"context"
	"fmt"
	"image"
	"math"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime is far more than any test needs.
const testTime = time.Minute

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	return ctx
}

// pictureAt returns the picture shown at the given time of the file at path,
// which has 25 pictures per second. ffmpeg itself scales it to the tile's size.
func pictureAt(t *testing.T, path string, at time.Duration, size image.Point) []byte {
	t.Helper()
	n := (at + 20*time.Millisecond) / (40 * time.Millisecond)
	filter := fmt.Sprintf("select=eq(n\\,%d),scale=%d:%d", n, size.X, size.Y)
	out, err := exec.Command("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-i", path,
		"-vf", filter, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-").Output()
	if err != nil || len(out) != size.X*size.Y*3 {
		t.Fatalf("ffmpeg made %d bytes: %v", len(out), err)
	}
	return out
}

// psnr compares a tile with a picture, in decibels.
func psnr(img *image.RGBA, tile image.Rectangle, want []byte) float64 {
	sum := 0.0
	for y := tile.Min.Y; y < tile.Max.Y; y++ {
		for x := tile.Min.X; x < tile.Max.X; x++ {
			c := img.RGBAAt(x, y)
			at := 3 * ((y-tile.Min.Y)*tile.Dx() + x - tile.Min.X)
			for i, v := range []byte{c.R, c.G, c.B} {
				d := float64(v) - float64(want[at+i])
				sum += d * d
			}
		}
	}
	mean := sum / float64(3*tile.Dx()*tile.Dy())
	return 10 * math.Log10(255*255/mean)
}
