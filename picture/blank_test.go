package picture

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// scene returns the luma, from 0 for black to 255, at a place between 0, 0 and
// 1, 1.
type scene func(x, y float64) float64

func flat(v float64) scene { return func(_, _ float64) float64 { return v } }

// noisy adds camera noise of the given standard deviation to s, clipped at
// black.
func noisy(s scene, deviation float64) scene {
	r := rand.New(rand.NewPCG(1, 2))
	return func(x, y float64) float64 { return s(x, y) + deviation*r.NormFloat64() }
}

// spot draws a rectangle of one brightness over s.
func spot(s scene, x0, y0, x1, y1, v float64) scene {
	return func(x, y float64) float64 {
		if x >= x0 && x < x1 && y >= y0 && y < y1 {
			return v
		}
		return s(x, y)
	}
}

// lamps draws lights over three thousandths of s.
func lamps(s scene) scene {
	for _, at := range []float64{0.2, 0.5, 0.8} {
		s = spot(s, at, 0.3, at+0.025, 0.34, 240)
	}
	return s
}

// street is what a camera sees: sky, walls and ground, up to the given
// brightness.
func street(brightest float64) scene {
	return func(x, y float64) float64 {
		switch {
		case y < 0.4:
			return brightest * (0.4 + 0.5*y)
		case x < 0.3 || x > 0.7:
			return brightest * (0.3 + 0.3*x)
		}
		return brightest * (0.6 + 0.6*(y-0.4))
	}
}

func (s scene) grey(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Pix[y*m.Stride+x] = uint8(max(0, min(255, s(float64(x)/float64(w), float64(y)/float64(h))+0.5)))
		}
	}
	return m
}

// TestBlank proves that black is blank, in all the forms that cameras and
// studios send, and so is a picture of one brightness. A night scene is not.
func TestBlank(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scene scene
		want  bool
	}{
		{"black", flat(0), true},
		{"black with noise", noisy(flat(1), 3), true},
		{"a lens cap, with much noise", noisy(flat(0), 10), true},
		{"black with a logo", spot(flat(0), 0.85, 0.05, 0.95, 0.15, 200), true},
		{"the beginning of a fade", street(4), true},
		{"dark grey, as of tape", flat(18), true},
		{"grey", flat(128), true},
		{"grey with noise", noisy(flat(128), 12), true},
		{"white", flat(255), true},

		{"a street by day", street(200), false},
		{"a street at night", noisy(street(25), 6), false},
		{"a street at night, no lamps", noisy(street(14), 6), false},
		{"a road at night, lamps", noisy(lamps(flat(6)), 4), false},
		{"a fade a tenth done", street(25), false},
		{"fog, brighter above", func(_, y float64) float64 { return 150 - 15*y }, false},
		{"a line of text on blue", spot(flat(29), 0.3, 0.48, 0.7, 0.51, 200), false},
		{"half black", spot(flat(0), 0, 0, 1, 0.5, 120), false},
	} {
		for _, size := range []image.Point{{640, 360}, {359, 641}} {
			grey := tt.scene.grey(size.X, size.Y)
			colours := image.NewRGBA(grey.Bounds())
			var rgb []byte
			for i, v := range grey.Pix {
				colours.SetRGBA(i%size.X, i/size.X, color.RGBA{v, v, v, 255})
				rgb = append(rgb, v, v, v)
			}
			planes := &image.YCbCr{Y: grey.Pix, YStride: grey.Stride, Rect: grey.Rect}
			for what, got := range map[string]bool{
				"grey": Blank(grey), "planes": Blank(planes), "colours": Blank(colours), "rows": isBlankRGB(rgb, size.X, false),
			} {
				if got != tt.want {
					t.Errorf("%s, %v, as %s: %v", tt.name, size, what, got)
				}
			}
		}
	}
}

// TestBlankParts proves that Blank judges a part by itself, weighs pixels by
// their colour, and treats a picture with one pixel or none as blank.
func TestBlankParts(t *testing.T) {
	whole := scene(spot(flat(0), 0, 0, 0.5, 0.5, 100)).grey(320, 180)
	if Blank(whole) || !Blank(whole.SubImage(image.Rect(200, 100, 300, 170))) || !Blank(whole.SubImage(image.Rect(10, 10, 90, 60))) || Blank(whole.SubImage(image.Rect(100, 50, 200, 120))) {
		t.Error("a part is not judged by itself")
	}
	// Pure blue 40 has a luma of 4.6, pure red 40 has 12.
	var rows []byte
	for i := range 64 * 36 {
		rows = append(rows, 0, byte(i%64/32*40), 40)
	}
	if isBlankRGB(rows, 64, false) || isBlankRGB(rows, 64, true) {
		t.Error("green in halves is blank")
	}
	if Blank(image.NewGray(image.Rectangle{})) != true || !Blank(image.NewGray(image.Rect(0, 0, 1, 1))) {
		t.Error("nothing is something")
	}
}

// TestBlankColours checks the order and weight of the colours.
func TestBlankColours(t *testing.T) {
	rows := make([]byte, 0, 3*64*36)
	for i := range 64 * 36 {
		rows = append(rows, byte(20+i%64/32*10), 20, 20) // red by halves: luma 20 and 23; as blue 20 and 21
	}
	if !isBlankRGB(rows, 64, false) || !isBlankRGB(rows, 64, true) {
		t.Error("a hint of red is a picture")
	}
	for i := 0; i < len(rows); i += 3 {
		rows[i] = byte(20 + i/3%64/32*20) // luma 20 and 26; as blue 20 and 22
	}
	if isBlankRGB(rows, 64, false) || !isBlankRGB(rows, 64, true) {
		t.Error("red and blue are mistaken for each other")
	}
}

func BenchmarkBlank(b *testing.B) {
	m := noisy(street(200), 6).grey(1920, 1080)
	for b.Loop() {
		Blank(m)
	}
}
