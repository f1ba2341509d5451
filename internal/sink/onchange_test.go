package sink

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab/internal/overlay"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// grey returns a JPEG with a white square of this size at its left.
func grey(t *testing.T, square int) *Picture {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 320, 180))
	for i := range img.Pix {
		img.Pix[i] = uint8(40 + i%320/4)
	}
	draw.Draw(img, image.Rect(20, 20, 20+square, 20+square), image.White, image.Point{}, draw.Src)
	return encoded(t, img)
}

func encoded(t *testing.T, img image.Image) *Picture {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return &Picture{Stream: "cam", Data: b.Bytes(), ContentType: "image/jpeg"}
}

func TestOnChange(t *testing.T) {
	var c OnChange
	for n, step := range []struct {
		picture *Picture
		want    bool
		forget  bool
	}{
		{grey(t, 0), true, false},
		{grey(t, 0), false, false},
		{grey(t, 3), false, false},
		{grey(t, 100), true, true}, // storing it failed
		{grey(t, 100), true, false},
		{grey(t, 101), false, false},
		{grey(t, 0), true, false},
	} {
		got, err := c.Differs(step.picture)
		if err != nil || got != step.want {
			t.Errorf("%d: %v, %v", n, got, err)
		}
		if step.forget {
			c.Forget()
		}
	}
	if _, err := c.Differs(&Picture{Stream: "cam", ContentType: "video/mp4", Data: []byte("x")}); err == nil {
		t.Error("a video was compared")
	}
	every := OnChange{Threshold: 1}
	if d, err := every.Differs(grey(t, 0)); !d || err != nil {
		t.Error(err)
	}
}

// The first pictures of real films do not differ from themselves with noise,
// compression and another time. They differ with a person in front, and from
// each other.
func TestOnChangeOfRealPictures(t *testing.T) {
	files, err := testmedia.Corpus("mp4")
	if err != nil {
		t.Fatal(err)
	}
	films := map[string]image.Image{}
	for _, f := range files {
		switch filepath.Base(f.Name) {
		case "clip.mp4", "bbb_800x640_768kbps_30fps_avc_pyramid_3b.mp4", "sample.mp4", "v1.mp4", "annex-b.mp4", "example1.mp4":
			if f.Expect == "picture" {
				films[f.Name] = first(t, f.Path)
			}
		}
	}
	if len(films) < 5 {
		t.Skipf("%d films next to the repository", len(films))
	}
	var before image.Image
	for name, img := range films {
		noon, later := at(t, img, "12:00:00"), at(t, img, "23:58:47")
		if differ(t, noon, later) {
			t.Errorf("%s differs because of its time", name)
		}
		if !differ(t, noon, withPerson(noon)) {
			t.Errorf("%s does not differ with a person in front", name)
		}
		if before != nil && !differ(t, before, noon) {
			t.Errorf("%s does not differ from the film before", name)
		}
		before = noon
	}
}

// withPerson covers a tenth of img, with dark on light and light on dark.
func withPerson(img *image.RGBA) image.Image {
	size := img.Bounds().Size()
	person := image.NewRGBA(img.Bounds())
	copy(person.Pix, img.Pix)
	r := image.Rect(size.X*4/10, size.Y*3/10, size.X*6/10, size.Y*8/10)
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			sum += int(img.RGBAAt(x, y).G)
		}
	}
	coat := color.Gray{20}
	if sum/(r.Dx()*r.Dy()) < 128 {
		coat.Y = 220
	}
	draw.Draw(person, r, image.NewUniform(coat), image.Point{}, draw.Src)
	return person
}

func differ(t *testing.T, a, b image.Image) (differs bool) {
	t.Helper()
	var c OnChange
	for _, img := range []image.Image{a, b} {
		var err error
		if differs, err = c.Differs(encoded(t, img)); err != nil {
			t.Fatal(err)
		}
	}
	return differs
}

func at(t *testing.T, img image.Image, clock string) *image.RGBA {
	t.Helper()
	c := image.NewRGBA(img.Bounds())
	draw.Draw(c, c.Bounds(), img, img.Bounds().Min, draw.Src)
	if err := overlay.Draw(c, []string{"Camera 1 " + clock}); err != nil {
		t.Fatal(err)
	}
	return c
}

// first decodes the first picture of a film.
func first(t *testing.T, path string) image.Image {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(within(t, testTime), "ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-vf", "scale=320:-2,noise=alls=8:allf=t", "-f", "image2pipe", "-c:v", "png", "-")
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Skip(fmt.Errorf("%w: %s", err, &said))
	}
	img, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
