package hls

import (
	"fmt"
	"image"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Tiles says how pictures of one size lie in an image: in rows, from the left to the
// right and the top to the bottom, as time goes (EXT-X-TILES of the Image Media
// Playlist specification, version 0.4). What the playlist does not say, or says as
// nonsense, is zero.
type Tiles struct {
	Width, Height int           // RESOLUTION, of one tile
	Columns, Rows int           // LAYOUT
	Duration      time.Duration // that each tile stands for
}

// maxImagePixels is what package decode takes. Services keep to 4096x4096.
const maxImagePixels = 64 << 20

func tiles(attributes string) *Tiles {
	t := &Tiles{}
	for name, value := range attributeList(attributes) {
		switch name {
		case "RESOLUTION":
			t.Width, t.Height = size(value)
		case "LAYOUT":
			t.Columns, t.Rows = size(value)
		case "DURATION":
			t.Duration = seconds(value)
		}
	}
	return t
}

// Check says what of t makes no sense.
func (t *Tiles) Check() error {
	switch {
	case t.Width == 0:
		return fmt.Errorf("%w: EXT-X-TILES without a RESOLUTION that is one", keyframe.ErrCorrupt)
	case t.Columns == 0:
		return fmt.Errorf("%w: EXT-X-TILES without a LAYOUT that is one", keyframe.ErrCorrupt)
	case t.Duration == 0 && t.Columns*t.Rows > 1:
		return fmt.Errorf("%w: EXT-X-TILES without DURATION", keyframe.ErrCorrupt)
	case t.Columns*t.Width*t.Rows*t.Height > maxImagePixels:
		return fmt.Errorf("%w: an image of %dx%d tiles of %dx%d", keyframe.ErrUnsupported, t.Columns, t.Rows, t.Width, t.Height)
	}
	return nil
}

// count is how many tiles an image of that length has, at least 1: the last one of
// a stream may be filled in part.
func (t *Tiles) count(length time.Duration) int {
	all := t.Columns * t.Rows
	if all <= 1 || t.Duration == 0 {
		return 1
	}
	// Both are rounded to milliseconds: 31 tiles of 0.970 in 30.073.
	each := t.Duration + time.Millisecond
	return min(all, max(1, int((length+each-1)/each)))
}

// rectangle returns where tile n lies in the image, whose size is width by height
// and which has count tiles: rows that have none may be left out of it, and where
// there is but one row, columns.
func (t *Tiles) rectangle(n, count, width, height int) (image.Rectangle, error) {
	columns, rows := min(t.Columns, count), (count+t.Columns-1)/t.Columns
	wide := width == t.Columns*t.Width || width == columns*t.Width
	high := height == t.Rows*t.Height || height == rows*t.Height
	if !wide || !high {
		return image.Rectangle{}, fmt.Errorf("%w: %dx%d tiles of %dx%d do not make up an image of %dx%d",
			keyframe.ErrCorrupt, t.Columns, t.Rows, t.Width, t.Height, width, height)
	}
	x, y := n%t.Columns*t.Width, n/t.Columns*t.Height
	return image.Rect(x, y, x+t.Width, y+t.Height), nil
}

// TileRectangle returns where the tile of s lies in its image, whose size is width
// by height: all of it where s is one picture.
func (s *Segment) TileRectangle(width, height int) (image.Rectangle, error) {
	if width*height > maxImagePixels {
		return image.Rectangle{}, fmt.Errorf("%w: an image of %dx%d", keyframe.ErrUnsupported, width, height)
	}
	if s.Tiles == nil {
		return image.Rect(0, 0, width, height), nil
	}
	return s.Tiles.rectangle(s.Tile, s.Tiles.count(s.Duration), width, height)
}

// LastTile is the index of the last tile in s, 0 where s is one picture.
func (s *Segment) LastTile() int {
	if s.Tiles == nil {
		return 0
	}
	return s.Tiles.count(s.Duration) - 1
}

// WithTileAt returns s with the tile that stands for the time t behind its beginning.
func (s *Segment) WithTileAt(t time.Duration) *Segment {
	other := *s
	other.Tile = 0
	if s.Tiles != nil && s.Tiles.Duration > 0 {
		other.Tile = min(s.LastTile(), int(max(t, 0)/s.Tiles.Duration))
	}
	return &other
}

// TileStart is how far behind the beginning of s its tile's time begins.
func (s *Segment) TileStart() time.Duration {
	if s.Tiles == nil {
		return 0
	}
	return time.Duration(s.Tile) * s.Tiles.Duration
}
