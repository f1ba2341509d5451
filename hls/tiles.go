package hls

import (
	"fmt"
	"image"
	"slices"
	"strings"
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

func parseTiles(attributes string) *Tiles {
	t := &Tiles{}
	for name, value := range attributeList(attributes) {
		switch name {
		case "RESOLUTION":
			t.Width, t.Height = parseSize(value)
		case "LAYOUT":
			t.Columns, t.Rows = parseSize(value)
		case "DURATION":
			t.Duration = parseSeconds(value)
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

// countTiles is how many tiles an image of that length has, at least 1: the last one of
// a stream may be filled in part.
func (t *Tiles) countTiles(length time.Duration) int {
	all := t.Columns * t.Rows
	if all <= 1 || t.Duration == 0 {
		return 1
	}
	// Both are rounded to milliseconds: 31 tiles of 0.970 in 30.073.
	each := t.Duration + time.Millisecond
	return min(all, max(1, int((length+each-1)/each)))
}

// tileRectangle returns where tile n lies in the image, whose size is width by height
// and which has count tiles: rows that have none may be left out of it, and where
// there is but one row, columns.
func (t *Tiles) tileRectangle(n, count, width, height int) (image.Rectangle, error) {
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
	return s.Tiles.tileRectangle(s.Tile, s.Tiles.countTiles(s.Duration), width, height)
}

// LastTile is the index of the last tile in s, 0 where s is one picture.
func (s *Segment) LastTile() int {
	if s.Tiles == nil {
		return 0
	}
	return s.Tiles.countTiles(s.Duration) - 1
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

// PickImages returns the list of images (EXT-X-IMAGE-STREAM-INF of the Image Media
// Playlist specification) whose tiles to use in place of the variant v: the cheapest
// of those that serve the size asked for. nil where there is none.
func (m *Master) PickImages(v *Variant, o PickOptions) *Variant {
	if m.VideoURI(v) != v.URI {
		return nil // nobody knows which camera they are of
	}
	var list []*Variant
	for i := range m.Images {
		f := &m.Images[i]
		if f.Width > 0 && o.servesSize(f.Width, f.Height) && o.allowsBandwidth(f) && f.isJPEG() &&
			(f.PathwayID == v.PathwayID || f.PathwayID == "") {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return slices.MinFunc(list, byCost)
}

// isJPEG: the specification knows the one codec "jpeg", and some leave it out.
func (v *Variant) isJPEG() bool {
	return v.Codecs == "" || strings.EqualFold(v.Codecs, "jpeg") || strings.EqualFold(v.Codecs, "jpg")
}

// CheaperThanKeyframe says whether an image that stands for so long takes no more
// than a keyframe of rendition, as far as bandwidths tell: a keyframe seldom takes
// more than half a second does on average. An image comes whole, and so one of many
// tiles costs more.
func (v *Variant) CheaperThanKeyframe(rendition *Variant, length time.Duration) bool {
	if v.Bandwidth == 0 || rendition.Bandwidth == 0 {
		return true
	}
	return float64(v.Bandwidth)*length.Seconds() <= float64(rendition.Bandwidth)/2
}

// IsImages says whether v is one of m.Images.
func (m *Master) IsImages(v *Variant) bool {
	return v.Index < len(m.Images) && v == &m.Images[v.Index]
}

// servesSize says whether a picture need not be made larger.
func (o PickOptions) servesSize(width, height int) bool {
	return width >= o.Width && height >= o.Height
}

// CheckSize returns an error that wraps keyframe.ErrNotFound where a tile of this size
// is smaller than the picture asked for.
func (o PickOptions) CheckSize(width, height int) error {
	if o.servesSize(width, height) {
		return nil
	}
	return fmt.Errorf("%w: the tiles are of %dx%d, which does not serve %s", keyframe.ErrNotFound, width, height, sizeText(o.Width, o.Height))
}
