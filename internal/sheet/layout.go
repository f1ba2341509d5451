package sheet

import (
	"fmt"
	"image"

	"github.com/kfgrab/kfgrab"
)

// gap is the distance between tiles, in pixels.
const gap = 4

// layOutTiles places n tiles of w by h pixels, row by row. If the sheet is too large, the
// error wraps kfgrab.ErrUsage.
func layOutTiles(n, columns, w, h int) (size image.Point, tiles []image.Rectangle, err error) {
	columns = min(columns, n)
	rows := (n + columns - 1) / columns
	size = image.Pt(columns*(w+gap)-gap, rows*(h+gap)-gap)

	if size.X > MaxSide || size.Y > MaxSide || size.X*size.Y > MaxPixels {
		return size, nil, fmt.Errorf("%w: %d tiles of %dx%d in %d columns make a picture of %dx%d; the limits are %dx%d and %d million pixels",
			kfgrab.ErrUsage, n, w, h, columns, size.X, size.Y, MaxSide, MaxSide, MaxPixels/1_000_000)
	}

	for i := range n {
		corner := image.Pt(i%columns*(w+gap), i/columns*(h+gap))
		tiles = append(tiles, image.Rectangle{corner, corner.Add(image.Pt(w, h))})
	}
	return size, tiles, nil
}
