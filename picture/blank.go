package picture

import (
	"image"
	"image/color"
	"math"
)

// Limits of Blank. Luma is that of the picture as it is shown, from 0, black, to 255.
// The black of limited-range video, 16, counts as 0.
const (
	// blankMean is the mean luma below which a picture is black: 2 % of white. Black
	// with a small logo or noise has less. A camera at night mostly shows 15 and more, a
	// road without lamps 8.
	blankMean = 5
	// blankDeviation is the standard deviation of luma, over cells of the picture, below
	// which it is uniform: a screen of one colour, fog without any shape, a lens cap.
	// A faint gradient or one line of text has more, noise alone has less.
	blankDeviation = 2
)

// There are enough cells for a line of text to fill one, and few enough for the noise of
// a single pixel not to matter.
const (
	cellColumns = 64
	cellRows    = 36
)

// Blank reports whether a picture shows nothing: it is black or has one brightness all
// over. Colours do not count.
func Blank(m image.Image) bool {
	b := m.Bounds()
	switch m := m.(type) {
	case *image.YCbCr: // of JPEG, in full range (JFIF 1.02)
		return isBlankLuma(b.Dx(), b.Dy(), func(y int) []byte { return m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] })
	case *image.Gray:
		return isBlankLuma(b.Dx(), b.Dy(), func(y int) []byte { return m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] })
	}

	line := make([]byte, b.Dx())
	return isBlankLuma(b.Dx(), b.Dy(), func(y int) []byte {
		for x := range line {
			line[x] = color.GrayModel.Convert(m.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y
		}
		return line
	})
}

// isBlankRGB is Blank for rows of R, G, B, or of B, G, R.
func isBlankRGB(pix []byte, width int, bgr bool) bool {
	red, blue := 0, 2
	if bgr {
		red, blue = 2, 0
	}

	line := make([]byte, width)
	return isBlankLuma(width, len(pix)/(3*width), func(y int) []byte {
		row := pix[3*width*y:]
		for x := range line {
			p := row[3*x : 3*x+3]
			// ITU-R BT.601, with the constants of image/color.
			line[x] = byte((19595*uint32(p[red]) + 38470*uint32(p[1]) + 7471*uint32(p[blue]) + 1<<15) >> 16)
		}
		return line
	})
}

// isBlankLuma is Blank for luma, which it gets line by line.
func isBlankLuma(width, height int, line func(y int) []byte) bool {
	if width <= 0 || height <= 0 {
		return true
	}

	columns, rows := min(width, cellColumns), min(height, cellRows)
	var sum, squares float64 // of the means of cells
	var cells [cellColumns]uint64
	for row := range rows {
		from, to := row*height/rows, (row+1)*height/rows
		clear(cells[:])
		for y := from; y < to; y++ {
			luma := line(y)
			for c := range columns {
				cells[c] += sumLuma(luma[c*width/columns : (c+1)*width/columns])
			}
		}
		for c := range columns {
			pixels := ((c+1)*width/columns - c*width/columns) * (to - from)
			mean := float64(cells[c]) / float64(pixels)
			sum += mean
			squares += mean * mean
		}
	}

	n := float64(columns * rows)
	mean := sum / n
	return mean < blankMean || math.Sqrt(max(0, squares/n-mean*mean)) < blankDeviation
}

func sumLuma(luma []byte) (sum uint64) {
	for _, v := range luma {
		sum += uint64(v)
	}
	return sum
}
