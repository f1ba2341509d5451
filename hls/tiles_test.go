package hls

import (
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

var tilesTests = []struct {
	attributes string
	want       Tiles
	err        string // the error of check
}{
	{"RESOLUTION=160x90,LAYOUT=3x2,DURATION=1", Tiles{160, 90, 3, 2, time.Second}, ""},
	{`RESOLUTION=160x90,LAYOUT="5X6",DURATION=6.006`, Tiles{160, 90, 5, 6, 6006 * time.Millisecond}, ""},
	{"RESOLUTION=160x90,LAYOUT=1x1", Tiles{160, 90, 1, 1, 0}, ""},
	{"", Tiles{}, "without a valid RESOLUTION"},
	{"LAYOUT=3x2,DURATION=1", Tiles{0, 0, 3, 2, time.Second}, "without a valid RESOLUTION"},
	{"RESOLUTION=0x90,LAYOUT=3x2,DURATION=1", Tiles{0, 0, 3, 2, time.Second}, "without a valid RESOLUTION"},
	{"RESOLUTION=160x90,DURATION=1", Tiles{160, 90, 0, 0, time.Second}, "without a valid LAYOUT"},
	{"RESOLUTION=160x90,LAYOUT=0x0,DURATION=1", Tiles{160, 90, 0, 0, time.Second}, "without a valid LAYOUT"},
	{"RESOLUTION=160x90,LAYOUT=-3x2,DURATION=1", Tiles{160, 90, 0, 0, time.Second}, "without a valid LAYOUT"},
	{"RESOLUTION=160x90,LAYOUT=6,DURATION=1", Tiles{160, 90, 0, 0, time.Second}, "without a valid LAYOUT"},
	{"RESOLUTION=160x90,LAYOUT=99999999999x2,DURATION=1", Tiles{160, 90, 0, 0, time.Second}, "without a valid LAYOUT"},
	{"RESOLUTION=160x90,LAYOUT=3x2,DURATION=0", Tiles{160, 90, 3, 2, 0}, "without DURATION"},
	{"RESOLUTION=160x90,LAYOUT=3x2,DURATION=-1", Tiles{160, 90, 3, 2, 0}, "without DURATION"},
	{"RESOLUTION=160x90,LAYOUT=3x2,DURATION=NaN", Tiles{160, 90, 3, 2, 0}, "without DURATION"},
	{"RESOLUTION=160x90,LAYOUT=32768x32768,DURATION=1", Tiles{160, 90, 32768, 32768, time.Second}, "an image of 32768x32768 tiles"},
	{"RESOLUTION=32768x32768,LAYOUT=32768x32768,DURATION=1", Tiles{32768, 32768, 32768, 32768, time.Second}, "an image of 32768x32768 tiles"},
	{"RESOLUTION=8192x8192,LAYOUT=1x1,DURATION=1", Tiles{8192, 8192, 1, 1, time.Second}, ""},
	{"RESOLUTION=8192x8192,LAYOUT=2x1,DURATION=1", Tiles{8192, 8192, 2, 1, time.Second}, "an image of 2x1 tiles"},
}

func TestTiles(t *testing.T) {
	for _, tt := range tilesTests {
		got := parseTiles(tt.attributes)
		if *got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.attributes, *got, tt.want)
		}
		err := got.Check()
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.attributes, err, tt.err)
		}
	}
}

func TestTilesCount(t *testing.T) {
	for _, tt := range []struct {
		name         string
		columns      int // in one row
		each, length float64
		want         int
	}{
		{"full", 6, 1, 6, 6},
		{"in part", 9, 6, 55, 9},
		{"a part of the last one", 35, 6, 55, 10},
		{"one, shorter than said", 9, 6, 2, 1},
		{"longer than there is room", 6, 1, 60, 6},
		{"no length", 6, 1, 0, 1},
		{"no duration", 6, 0, 60, 1},
		{"durations that are rounded", 35, .970, 30.073, 31},
		{"a hundred", 100, 10, 1000, 100},
		{"no layout", 0, 1, 6, 1},
	} {
		grid := &Tiles{Columns: tt.columns, Rows: 1, Duration: toDuration(tt.each)}
		if got := grid.countTiles(toDuration(tt.length)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestTilesRectangle(t *testing.T) {
	grid := &Tiles{Width: 160, Height: 90, Columns: 3, Rows: 2, Duration: time.Second}
	for _, tt := range []struct {
		name                    string
		n, count, width, height int
		want                    string // "" for an error
	}{
		{"first", 0, 6, 480, 180, "(0,0)-(160,90)"},
		{"second", 1, 6, 480, 180, "(160,0)-(320,90)"},
		{"next row", 3, 6, 480, 180, "(0,90)-(160,180)"},
		{"last", 5, 6, 480, 180, "(320,90)-(480,180)"},
		{"in part", 1, 2, 480, 180, "(160,0)-(320,90)"},
		{"without the empty row", 1, 2, 480, 90, "(160,0)-(320,90)"},
		{"without the empty columns", 1, 2, 320, 90, "(160,0)-(320,90)"},
		{"a row that is missing", 3, 6, 480, 90, ""},
		{"larger tiles than said", 0, 6, 960, 360, ""},
		{"one picture", 0, 6, 160, 90, ""},
		{"rows for columns", 0, 6, 320, 270, ""},
		{"a pixel short", 0, 6, 479, 180, ""},
	} {
		r, err := grid.tileRectangle(tt.n, tt.count, tt.width, tt.height)
		switch {
		case tt.want == "" && (!errors.Is(err, keyframe.ErrCorrupt) || r != image.Rectangle{}):
			t.Errorf("%s: %v, %v, want an error", tt.name, r, err)
		case tt.want != "" && (err != nil || r.String() != tt.want):
			t.Errorf("%s: %v, %v, want %s", tt.name, r, err, tt.want)
		}
	}
}

// FuzzTiles: whatever the tag says, a tile that passes check is a rectangle
// within the image.
func FuzzTiles(f *testing.F) {
	for _, tt := range tilesTests {
		f.Add(tt.attributes, 6.0, uint16(480), uint16(180), int64(2500))
	}
	f.Fuzz(func(t *testing.T, attributes string, length float64, width, height uint16, at int64) {
		s := (&Segment{Tiles: parseTiles(attributes), Duration: toDuration(length)}).WithTileAt(time.Duration(at) * time.Millisecond)
		count := s.Tiles.countTiles(s.Duration)
		if count < 1 || s.Tile < 0 || s.Tile >= count || s.LastTile() != count-1 {
			t.Fatalf("tile %d of %d", s.Tile, count)
		}
		if s.Tiles.Check() != nil {
			return
		}
		r, err := s.Tiles.tileRectangle(s.Tile, count, int(width), int(height))
		if err == nil && (r.Dx() != s.Tiles.Width || r.Dy() != s.Tiles.Height || !r.In(image.Rect(0, 0, int(width), int(height)))) {
			t.Errorf("%v in %dx%d", r, width, height)
		}
	})
}
