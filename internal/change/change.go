// Package change measures how much two pictures of a scene differ, as people see it.
// Noise, compression, a running clock or a little more light count little or nothing, a
// person who walks in counts more, another scene most. It is internal to kfgrab: package
// sink uses it.
//
// Call [Of] for each picture and [Print.Distance] for two of them. The package compares
// brightness, not colours, and no detail smaller than about a hundredth of the picture.
package change

import (
	"errors"
	"image"
	"image/color"
	"math/bits"

	"github.com/corona10/goimagehash"
)

const (
	// Most is the largest distance. That of unrelated pictures is about half of it.
	Most = 64
	// DefaultThreshold is the distance from which pictures count as different. Measured
	// with 20 pictures of 8 films: the same picture with noise (a deviation of 6 levels),
	// compressed to JPEG, and with another time in a corner had at most 4, 10 % brighter
	// 6, with a dark block of a tenth by four tenths of the picture 16 in the median.
	// Pictures of different films had at least 24.
	DefaultThreshold = 6

	side  = 64 // pixels of the thumbnail, as the hash needs it
	cells = 8  // in a row of the grid whose brightness is compared
	// sameLevel is how much the brightness of a cell, from 0 to 255, must change for the
	// hash to count. The hash of a black or foggy picture depends on noise alone.
	sameLevel = 4
)

// Print is a summary of a picture for comparing it.
type Print struct {
	hash   uint64 // perceptual: which of the lowest 8×8 frequencies are strong
	levels [cells * cells]int
}

// Of returns the print of a picture.
func Of(img image.Image) (Print, error) {
	if img.Bounds().Empty() {
		return Print{}, errors.New("the picture has no pixels")
	}
	small := makeThumbnail(img)
	hash, err := goimagehash.PerceptionHash(small)
	if err != nil {
		return Print{}, err
	}

	p := Print{hash: hash.GetHash()}
	const each = side / cells
	for y := range side {
		for x := range side {
			p.levels[y/each*cells+x/each] += int(small.GrayAt(x, y).Y)
		}
	}
	for i := range p.levels {
		p.levels[i] /= each * each
	}
	return p, nil
}

// Distance returns the number of 64 frequencies in which the pictures differ: 0 for the
// same scene, about 32 for unrelated ones.
func (p Print) Distance(q Print) int {
	for i, level := range p.levels {
		if d := level - q.levels[i]; d >= sameLevel || d <= -sameLevel {
			return bits.OnesCount64(p.hash ^ q.hash)
		}
	}
	return 0
}

// makeThumbnail returns img's brightness in 64×64 pixels, each the mean of its part.
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

// partBounds returns the ith of 64 parts of n pixels. A part has at least one pixel.
func partBounds(i, n int) (from, to int) {
	from = i * n / side
	return from, max((i+1)*n/side, from+1)
}

// brightnessRows returns a function for the brightness of a row. The slice is valid until
// the next call.
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
