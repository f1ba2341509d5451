// Package change says how much two pictures of a scene differ, as people see it: noise,
// compression, a running clock or a little more light count for nothing or little, who
// walks in for more, another scene for most.
//
// Call [Of] for each picture and [Print.Distance] for two of them. It looks at the
// pictures' brightness alone, not at their colours, and sees no detail that is smaller
// than some hundredth of the picture.
package change

import (
	"errors"
	"image"
	"math/bits"

	"github.com/corona10/goimagehash"
)

const (
	// Most is the largest distance there is. That of unrelated pictures is about half
	// of it.
	Most = 64
	// DefaultThreshold is the distance from which pictures count as different. Of 20
	// pictures of 8 films, the same one with noise (a deviation of 6 levels), compressed
	// to JPEG, and with another time in a corner came to 4 at most, 10 % brighter to 6;
	// a dark block of a tenth by four tenths of the picture to 16 in the middle, and one
	// film's picture and the next's to no less than 24.
	DefaultThreshold = 6

	side  = 64 // pixels of the thumbnail that is hashed, as the hash has it
	cells = 8  // a row of the grid that is compared by brightness
	// sameLevel is how much the brightness of any cell, from 0 to 255, must change for
	// the hash to count. Of a black or foggy picture it is of noise alone.
	sameLevel = 4
)

// Print is what is left of a picture to compare it by.
type Print struct {
	hash   uint64 // perceptual: which of the lowest 8×8 frequencies are strong
	levels [cells * cells]int
}

// Of makes the print of a picture that has pixels.
func Of(img image.Image) (Print, error) {
	if img.Bounds().Empty() {
		return Print{}, errors.New("a picture without pixels")
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

// Distance returns in how many of 64 frequencies the pictures differ: 0 for the same
// scene, about 32 for unrelated ones.
func (p Print) Distance(q Print) int {
	for i, level := range p.levels {
		if d := level - q.levels[i]; d >= sameLevel || d <= -sameLevel {
			return bits.OnesCount64(p.hash ^ q.hash)
		}
	}
	return 0
}
