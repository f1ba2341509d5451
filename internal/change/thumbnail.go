package change

import (
	"image"
	"image/color"
)

// makeThumbnail is img's brightness in 64×64 pixels, each the mean of what it stands for.
func makeThumbnail(img image.Image) *image.Gray {
	small := image.NewGray(image.Rect(0, 0, side, side))
	size := img.Bounds().Size()
	row := brightnessRows(img)
	for y := range side {
		top, bottom := partBounds(y, size.Y)
		var sums [side]int
		for j := top; j < bottom; j++ {
			line := row(j)
			for x := range side {
				left, right := partBounds(x, size.X)
				for _, v := range line[left:right] {
					sums[x] += int(v)
				}
			}
		}
		for x, sum := range sums {
			left, right := partBounds(x, size.X)
			small.Pix[y*small.Stride+x] = uint8(sum / ((bottom - top) * (right - left)))
		}
	}
	return small
}

// partBounds returns the ith of 64 parts of n pixels, one of which is in it at least.
func partBounds(i, n int) (from, to int) {
	from = i * n / side
	return from, max((i+1)*n/side, from+1)
}

// brightnessRows returns a function for the brightness of a row, which is good until the next.
func brightnessRows(img image.Image) func(y int) []uint8 {
	b := img.Bounds()
	line := make([]uint8, b.Dx())
	switch c := img.(type) {
	case *image.YCbCr:
		return func(y int) []uint8 { return c.Y[c.YOffset(b.Min.X, b.Min.Y+y):] }
	case *image.RGBA:
		return func(y int) []uint8 {
			p := c.Pix[c.PixOffset(b.Min.X, b.Min.Y+y):]
			for x := range line {
				line[x] = uint8((299*int(p[4*x]) + 587*int(p[4*x+1]) + 114*int(p[4*x+2])) / 1000) // ITU-R BT.601
			}
			return line
		}
	}
	return func(y int) []uint8 {
		for x := range line {
			line[x] = color.GrayModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y
		}
		return line
	}
}
