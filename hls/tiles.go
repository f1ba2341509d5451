package hls

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Tiles is the arrangement of pictures of one size in an image: in rows, from left to
// right and top to bottom, in order of time (EXT-X-TILES of the Image Media Playlist
// specification, version 0.4). Fields that the playlist does not state, or states as
// nonsense, are zero.
type Tiles struct {
	Width, Height int           // RESOLUTION, of one tile
	Columns, Rows int           // LAYOUT
	Duration      time.Duration // of each tile
}

// maxImagePixels is the limit of package decode. Services stay within 4096x4096.
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

// Check returns an error if t makes no sense.
func (t *Tiles) Check() error {
	switch {
	case t.Width == 0:
		return fmt.Errorf("%w: EXT-X-TILES without a valid RESOLUTION", keyframe.ErrCorrupt)
	case t.Columns == 0:
		return fmt.Errorf("%w: EXT-X-TILES without a valid LAYOUT", keyframe.ErrCorrupt)
	case t.Duration == 0 && t.Columns*t.Rows > 1:
		return fmt.Errorf("%w: EXT-X-TILES without DURATION", keyframe.ErrCorrupt)
	case t.Columns*t.Width*t.Rows*t.Height > maxImagePixels:
		return fmt.Errorf("%w: an image of %dx%d tiles of %dx%d", keyframe.ErrUnsupported, t.Columns, t.Rows, t.Width, t.Height)
	}
	return nil
}

// countTiles returns how many tiles an image of that length has, at least 1: the
// last image of a stream may be partly filled.
func (t *Tiles) countTiles(length time.Duration) int {
	all := t.Columns * t.Rows
	if all <= 1 || t.Duration == 0 {
		return 1
	}
	// Both are rounded to milliseconds: 31 tiles of 0.970 in 30.073.
	each := t.Duration + time.Millisecond
	return min(all, max(1, int((length+each-1)/each)))
}

// tileRectangle returns where tile n lies in the image, whose size is width by
// height and which has count tiles. The image may omit empty rows, and if it has
// only one row, empty columns.
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
// by height. It is the whole image if s is one picture.
func (s *Segment) TileRectangle(width, height int) (image.Rectangle, error) {
	if width*height > maxImagePixels {
		return image.Rectangle{}, fmt.Errorf("%w: an image of %dx%d", keyframe.ErrUnsupported, width, height)
	}
	if s.Tiles == nil {
		return image.Rect(0, 0, width, height), nil
	}
	return s.Tiles.tileRectangle(s.Tile, s.Tiles.countTiles(s.Duration), width, height)
}

// LastTile returns the index of the last tile in s, 0 if s is one picture.
func (s *Segment) LastTile() int {
	if s.Tiles == nil {
		return 0
	}
	return s.Tiles.countTiles(s.Duration) - 1
}

// WithTileAt returns s with the tile for the time t after its beginning.
func (s *Segment) WithTileAt(t time.Duration) *Segment {
	other := *s
	other.Tile = 0
	if s.Tiles != nil && s.Tiles.Duration > 0 {
		other.Tile = min(s.LastTile(), int(max(t, 0)/s.Tiles.Duration))
	}
	return &other
}

// TileStart returns how long after the beginning of s its tile's time begins.
func (s *Segment) TileStart() time.Duration {
	if s.Tiles == nil {
		return 0
	}
	return time.Duration(s.Tile) * s.Tiles.Duration
}

// PickImages returns the image playlist (EXT-X-IMAGE-STREAM-INF of the Image Media
// Playlist specification) whose tiles to use instead of the variant v: the cheapest
// that serves the size asked for. It is nil if there is none.
func (m *Master) PickImages(v *Variant, o PickOptions) *Variant {
	if m.VideoURI(v) != v.URI {
		return nil // it is unknown which camera they show
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

// isJPEG reports whether the images are JPEGs. The specification knows only the
// codec "jpeg", and some servers leave it out.
func (v *Variant) isJPEG() bool {
	return v.Codecs == "" || strings.EqualFold(v.Codecs, "jpeg") || strings.EqualFold(v.Codecs, "jpg")
}

// CheaperThanKeyframe reports whether an image that stands for so long takes no
// more bytes than a keyframe of rendition, as far as bandwidths show. A keyframe
// seldom takes more than half a second does on average. An image is fetched whole,
// so one of many tiles costs more.
func (v *Variant) CheaperThanKeyframe(rendition *Variant, length time.Duration) bool {
	if v.Bandwidth == 0 || rendition.Bandwidth == 0 {
		return true
	}
	return float64(v.Bandwidth)*length.Seconds() <= float64(rendition.Bandwidth)/2
}

// IsImages reports whether v is one of m.Images.
func (m *Master) IsImages(v *Variant) bool {
	return v.Index < len(m.Images) && v == &m.Images[v.Index]
}

// servesSize reports whether a picture of this size need not be enlarged.
func (o PickOptions) servesSize(width, height int) bool {
	return width >= o.Width && height >= o.Height
}

// CheckSize returns an error that wraps keyframe.ErrNotFound if a tile of this size
// is smaller than the picture asked for.
func (o PickOptions) CheckSize(width, height int) error {
	if o.servesSize(width, height) {
		return nil
	}
	return fmt.Errorf("%w: the tiles have %dx%d pixels, too few for %s", keyframe.ErrNotFound, width, height, sizeText(o.Width, o.Height))
}
