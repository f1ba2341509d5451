package change

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab/internal/overlay"
)

// pictures returns a drawing of a street and a frame of a stream.
func pictures(t testing.TB) map[string]image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "docs", "picture.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	frame, err := jpeg.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]image.Image{"street": street(480, 270), "frame": frame, "large street": street(960, 540)}
}

// street draws a sky, houses with windows and a road.
func street(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		sky := color.RGBA{uint8(90 + 100*y/height), uint8(140 + 80*y/height), 230, 255}
		draw.Draw(img, image.Rect(0, y, width, y+1), image.NewUniform(sky), image.Point{}, draw.Src)
	}
	for i, c := range []color.RGBA{{150, 80, 60, 255}, {200, 190, 160, 255}, {110, 110, 120, 255}, {180, 140, 90, 255}} {
		x := 0.05 + 0.24*float64(i)
		block(img, x, 0.25+0.08*float64(i%3), 0.2, 0.5, c)
		for n := range 6 {
			block(img, x+0.02+0.06*float64(n%3), 0.45+0.13*float64(n/3), 0.03, 0.07, color.RGBA{40, 45, 60, 255})
		}
	}
	block(img, 0, 0.75, 1, 0.25, color.RGBA{70, 70, 72, 255})
	return img
}

// block fills a part of img, given as fractions of its size.
func block(img *image.RGBA, x, y, w, h float64, c color.Color) {
	size := img.Bounds().Size()
	width, height := float64(size.X), float64(size.Y)
	r := image.Rect(int(x*width), int(y*height), int((x+w)*width), int((y+h)*height)).Add(img.Bounds().Min)
	draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func copied(img image.Image) *image.RGBA {
	c := image.NewRGBA(img.Bounds())
	draw.Draw(c, c.Bounds(), img, img.Bounds().Min, draw.Src)
	return c
}

// levels applies change to each sample.
func levels(img image.Image, change func(float64) float64) *image.RGBA {
	c := copied(img)
	for i, v := range c.Pix {
		if i%4 != 3 {
			c.Pix[i] = uint8(min(max(change(float64(v)), 0), 255))
		}
	}
	return c
}

func noisy(img image.Image, deviation float64, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 0))
	return levels(img, func(v float64) float64 { return v + r.NormFloat64()*deviation })
}

func compressed(t testing.TB, img image.Image, quality int) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	c, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t testing.TB, img image.Image, clock string) image.Image {
	t.Helper()
	c := copied(img)
	if err := overlay.Draw(c, []string{"Camera 1 " + clock}); err != nil {
		t.Fatal(err)
	}
	return c
}

func with(img image.Image, x, y, w, h float64, c color.Color) image.Image {
	changed := copied(img)
	block(changed, x, y, w, h, c)
	return changed
}

func distance(t testing.TB, a, b image.Image) int {
	t.Helper()
	p, err := Of(a)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Of(b)
	if err != nil {
		t.Fatal(err)
	}
	if p.Distance(q) != q.Distance(p) {
		t.Errorf("%d one way and %d the other", p.Distance(q), q.Distance(p))
	}
	return p.Distance(q)
}

func TestSameScene(t *testing.T) {
	for name, img := range pictures(t) {
		for kind, pair := range map[string][2]image.Image{
			"itself":       {img, img},
			"compression":  {img, compressed(t, img, 50)},
			"noise":        {noisy(img, 6, 1), noisy(img, 6, 2)},
			"a clock":      {at(t, img, "12:00:00"), at(t, img, "23:58:47")},
			"all of these": {compressed(t, at(t, noisy(img, 6, 1), "12:00:00"), 75), compressed(t, at(t, noisy(img, 6, 2), "23:58:47"), 75)},
			"more light":   {img, levels(img, func(v float64) float64 { return 1.05 * v })},
			"noise at night": {
				noisy(levels(img, func(v float64) float64 { return v / 30 }), 4, 1),
				noisy(levels(img, func(v float64) float64 { return v / 30 }), 4, 2),
			},
		} {
			if d := distance(t, pair[0], pair[1]); d >= DefaultThreshold {
				t.Errorf("%s: %s is a distance of %d", name, kind, d)
			}
		}
	}
}

func TestChangedScene(t *testing.T) {
	all := pictures(t)
	for name, img := range all {
		for kind, other := range map[string]image.Image{
			"somebody stands there": with(img, 0.4, 0.4, 0.1, 0.4, color.Gray{15}),
			"half is covered":       with(img, 0, 0, 0.5, 1, color.Gray{100}),
			"the lens is covered":   with(img, 0, 0, 1, 1, color.Gray{5}),
			"upside down":           turned(img),
		} {
			if d := distance(t, at(t, img, "12:00:00"), at(t, other, "12:00:00")); d < DefaultThreshold || d > Most {
				t.Errorf("%s: %s is a distance of %d", name, kind, d)
			}
		}
	}
	if d := distance(t, all["street"], all["frame"]); d < 3*DefaultThreshold {
		t.Errorf("another scene is a distance of %d", d)
	}
	if d := distance(t, all["street"], all["large street"]); d >= DefaultThreshold {
		t.Errorf("another size is a distance of %d", d)
	}
}

func turned(img image.Image) image.Image {
	c, b := copied(img), img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			c.Set(b.Max.X-1-x, b.Max.Y-1-y, img.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return c
}

// TestForms: a picture's fingerprint depends neither on its pixel format nor on
// its origin.
func TestForms(t *testing.T) {
	img := street(480, 270)
	b := img.Bounds()
	moved := image.NewRGBA(b.Add(image.Pt(-7, 100)))
	draw.Draw(moved, moved.Bounds(), img, image.Point{}, draw.Src)
	grey, wide := image.NewGray(b), image.NewNRGBA64(b)
	draw.Draw(grey, b, img, image.Point{}, draw.Src)
	draw.Draw(wide, b, img, image.Point{}, draw.Src)
	for name, form := range map[string]image.Image{
		"moved": moved, "grey": grey, "16 bits": wide, "YCbCr": compressed(t, img, 95),
		"part of another": compressed(t, img, 95).(*image.YCbCr).SubImage(b),
	} {
		if d := distance(t, img, form); d > 2 {
			t.Errorf("%s: a distance of %d", name, d)
		}
	}
	for _, size := range []image.Point{{1, 1}, {3, 200}, {64, 64}, {65, 63}} {
		if _, err := Of(street(size.X, size.Y)); err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
	if _, err := Of(image.NewGray(image.Rectangle{})); err == nil {
		t.Error("no error for a picture without pixels")
	}
}

func BenchmarkOf(b *testing.B) {
	img := compressed(b, street(1920, 1080), 90)
	for b.Loop() {
		if _, err := Of(img); err != nil {
			b.Fatal(err)
		}
	}
}
