package overlay_test

import (
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/overlay"
)

func filled(width, height int, c color.Color) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
	return img
}

// changed returns the part of img that differs from ground.
func changed(img *image.RGBA, ground color.RGBA) (r image.Rectangle) {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if img.RGBAAt(x, y) != ground {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

// TestDraw proves that on any ground there are black and white pixels in the
// lower left corner, as high as the lines, and none elsewhere.
func TestDraw(t *testing.T) {
	for _, ground := range []color.RGBA{{0, 0, 0, 255}, {255, 255, 255, 255}, {128, 128, 128, 255}, {255, 0, 0, 255}} {
		for _, test := range []struct {
			width, height int
			lines         []string
			most          image.Rectangle
		}{
			{640, 360, []string{"camera"}, image.Rect(0, 330, 120, 360)},
			{640, 360, []string{"camera", "2026-03-01"}, image.Rect(0, 310, 150, 360)},
			{640, 360, []string{strings.Repeat("camera ", 12)}, image.Rect(0, 330, 640, 360)},
			{1920, 1080, []string{"camera"}, image.Rect(0, 990, 360, 1080)},
			{160, 90, []string{"camera", "Ünïcode, Ελλάδα"}, image.Rect(0, 60, 160, 90)},
			{40, 8, []string{strings.Repeat("x", 5000), "\xff\x00"}, image.Rect(0, 0, 40, 8)},
		} {
			img := filled(test.width, test.height, ground)
			if err := overlay.Draw(img, test.lines); err != nil {
				t.Fatal(err)
			}
			got := changed(img, ground)
			if got.Empty() || !got.In(test.most) {
				t.Errorf("%dx%d on %v: %v, want within %v", test.width, test.height, ground, got, test.most)
			}
			black, white := filled(1, 1, color.Black).RGBAAt(0, 0), filled(1, 1, color.White).RGBAAt(0, 0)
			if test.height > 300 && (changed(img, black) == image.Rectangle{} || changed(img, white) == image.Rectangle{} || !has(img, black) || !has(img, white)) {
				t.Errorf("%dx%d on %v: not of black and white", test.width, test.height, ground)
			}
		}
	}
}

func has(img *image.RGBA, c color.RGBA) bool {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if img.RGBAAt(x, y) == c {
				return true
			}
		}
	}
	return false
}

// TestDrawFits proves that a line too long for the usual size is written whole
// in smaller letters.
func TestDrawFits(t *testing.T) {
	ground := color.RGBA{0, 128, 0, 255}
	img := filled(640, 360, ground)
	if err := overlay.Draw(img, []string{strings.Repeat("m", 45)}); err != nil {
		t.Fatal(err)
	}
	if got := changed(img, ground); got.Max.X > 636 || got.Dx() < 500 {
		t.Errorf("%v of %v", got, img.Bounds())
	}
}

func TestDrawNothing(t *testing.T) {
	ground := color.RGBA{0, 128, 0, 255}
	img := filled(64, 36, ground)
	if err := overlay.Draw(img, nil); err != nil || !changed(img, ground).Empty() {
		t.Errorf("%v, %v", err, changed(img, ground))
	}
	if err := overlay.Draw(image.NewRGBA(image.Rectangle{}), []string{"camera"}); err != nil {
		t.Error(err)
	}
}
