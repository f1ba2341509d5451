// Package overlay draws lines of text into a picture, white with a black outline, which
// is legible on any background. It is internal to kfgrab, for the captions of package
// picture.
//
// Call [Draw]. The font is the Go font: Latin, Greek and Cyrillic letters, from left to
// right; others show as boxes. Lines are not wrapped.
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
	linesInPicture = 24   // like teletext, which is legible from across a room
	minSize        = 9    // pixels; smaller letters are blots
	maxSize        = 200  // pixels; more would only take time
	outlineShare   = 12.0 // line height divided by outline, which is thinner than the strokes
	outlineSteps   = 16   // copies around the letters that make up the outline
	maxRunes       = 500  // of a line; no picture has room for more
)

var parseFont = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(gobold.TTF) })

// Draw draws the lines, from top to bottom, into the lower left corner of img. The text
// size is a 24th of the picture's height. It is smaller if a line is too long, but at
// least 9 pixels; the rest of the line is then cut off. An error is one of the font.
func Draw(img draw.Image, lines []string) error {
	if len(lines) == 0 || img.Bounds().Empty() {
		return nil
	}
	lines = shortenLines(lines)

	b := img.Bounds()
	size := min(max(float64(b.Dy())/linesInPicture, minSize), maxSize)
	face, err := newFace(size)
	if err != nil {
		return err
	}
	defer func() { face.Close() }()

	if room, width := b.Dx()-2*int(size), measureWidest(face, lines); width > room && size > minSize {
		face.Close()
		if face, err = newFace(max(size*float64(room)/float64(width), minSize)); err != nil {
			return err
		}
	}
	writeLines(img, face, lines)
	return nil
}

func shortenLines(lines []string) []string {
	short := make([]string, len(lines))
	for i, line := range lines {
		runes := []rune(line)
		short[i] = string(runes[:min(len(runes), maxRunes)])
	}
	return short
}

func newFace(size float64) (font.Face, error) {
	f, err := parseFont()
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
}

func measureWidest(face font.Face, lines []string) (width int) {
	for _, line := range lines {
		width = max(width, font.MeasureString(face, line).Ceil())
	}
	return width
}

func writeLines(img draw.Image, face font.Face, lines []string) {
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
