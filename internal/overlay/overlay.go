// Package overlay writes lines of text into a picture, white with a black outline, so
// that they can be read on any ground.
//
// Call [Draw]. There are the letters of Latin, Greek and Cyrillic, from left to right
// (the Go font); others show as boxes. Lines are not broken.
package overlay

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

const (
	linesInPicture = 24   // as teletext has: from across a room they can be read
	minSize        = 9    // pixels, below which letters are blots
	maxSize        = 200  // pixels: more would only take time
	outlineShare   = 12.0 // of a line's height, the outline is one part: less than the strokes
	outlineSteps   = 16   // copies around the letters, which make the outline
	maxRunes       = 500  // of a line: more fits into no picture
)

var parsed = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(gobold.TTF) })

// Draw writes the lines, from the top, into the lower left corner of img. Letters are as
// high as a 24th of the picture, or smaller where a line is too long for it, but not
// below 9 pixels: what then does not fit is cut off. An error is of the font.
func Draw(img draw.Image, lines []string) error {
	if len(lines) == 0 || img.Bounds().Empty() {
		return nil
	}
	lines = shortened(lines)
	b := img.Bounds()
	size := min(max(float64(b.Dy())/linesInPicture, minSize), maxSize)
	face, err := newFace(size)
	if err != nil {
		return err
	}
	defer func() { face.Close() }()
	if room, width := b.Dx()-2*int(size), widest(face, lines); width > room && size > minSize {
		face.Close()
		if face, err = newFace(max(size*float64(room)/float64(width), minSize)); err != nil {
			return err
		}
	}
	write(img, face, lines)
	return nil
}

func shortened(lines []string) []string {
	short := make([]string, len(lines))
	for i, line := range lines {
		runes := []rune(line)
		short[i] = string(runes[:min(len(runes), maxRunes)])
	}
	return short
}

func newFace(size float64) (font.Face, error) {
	f, err := parsed()
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
}

func widest(face font.Face, lines []string) (width int) {
	for _, line := range lines {
		width = max(width, font.MeasureString(face, line).Ceil())
	}
	return width
}

func write(img draw.Image, face font.Face, lines []string) {
	m := face.Metrics()
	step, b := m.Height.Ceil(), img.Bounds()
	outline := max(1, float64(step)/outlineShare)
	left, bottom := b.Min.X+step/2, b.Max.Y-step/2-m.Descent.Ceil()
	for i, line := range lines {
		at := image.Pt(left, bottom-step*(len(lines)-1-i))
		for n := range outlineSteps {
			dy, dx := math.Sincos(2 * math.Pi * float64(n) / outlineSteps)
			d := image.Pt(int(math.Round(dx*outline)), int(math.Round(dy*outline)))
			drawString(img, face, color.Black, at.Add(d), line)
		}
		drawString(img, face, color.White, at, line)
	}
}

func drawString(img draw.Image, face font.Face, c color.Color, at image.Point, text string) {
	d := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: face, Dot: fixed.P(at.X, at.Y)}
	d.DrawString(text)
}
