package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestStretches checks how divideTime divides a stream.
func TestStretches(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name   string
		o      Options
		length time.Duration
		want   string // from-to@at
	}{
		{"equal parts", Options{Count: 3}, 12 * s, "0s-4s@2s 4s-8s@6s 8s-12s@10s"},
		{"parts that do not come out even", Options{Count: 3}, s, "0s-333.333333ms@166.666666ms 333.333333ms-666.666666ms@499.999999ms 666.666666ms-1s@833.333333ms"},
		{"one", Options{Count: 1}, 10 * s, "0s-10s@5s"},
		{"from a time on", Options{Count: 2, From: 4 * s}, 8 * s, "4s-6s@5s 6s-8s@7s"},
		{"every", Options{Every: 5 * s}, 12 * s, "0s-5s@0s 5s-10s@5s 10s-12s@10s"},
		{"every, even", Options{Every: 5 * s}, 10 * s, "0s-5s@0s 5s-10s@5s"},
		{"every, from a time on", Options{Every: 5 * s, From: 3 * s}, 10 * s, "3s-8s@3s 8s-10s@8s"},
		{"longer than there is", Options{Every: time.Hour}, 10 * s, "0s-10s@0s"},
		{"the most", Options{Every: s}, 600 * s, ""},
		{"a century", Options{Count: 2}, 876_000 * time.Hour, "0s-438000h0m0s@219000h0m0s 438000h0m0s-876000h0m0s@657000h0m0s"},
		{"no length", Options{Count: 5}, 0, "0s-0s@0s"},
	} {
		list, err := tt.o.divideTime(tt.length)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []string
		for _, s := range list {
			got = append(got, fmt.Sprintf("%v-%v@%v", s.from, s.to, s.at))
		}
		if s := strings.Join(got, " "); s != tt.want && (tt.want != "" || len(list) != MaxCount) {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
	for _, o := range []Options{{Every: s}, {Every: 1}, {Count: 1, From: 601 * s}, {Every: s, From: 601 * s}} {
		if _, err := o.divideTime(601 * s); !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestLayout checks where the tiles are, and which sheets are too large.
func TestLayout(t *testing.T) {
	for _, tt := range []struct {
		n, columns, w, h int
		size             string
		last             string // upper left corner of the last tile
	}{
		{12, 4, 320, 180, "(1292,548)", "(972,368)"},
		{1, 4, 320, 180, "(320,180)", "(0,0)"},
		{5, 4, 100, 50, "(412,104)", "(0,54)"},
		{3, 1, 100, 50, "(100,158)", "(0,108)"},
		{600, 25, 320, 180, "(8096,4412)", "(7776,4232)"},
		{600, 1, 320, 180, "", ""},
		{600, 600, 320, 180, "", ""},
		{600, 25, 640, 360, "", ""},
	} {
		size, tiles, err := layOutTiles(tt.n, tt.columns, tt.w, tt.h)
		if tt.size == "" {
			if !errors.Is(err, kfgrab.ErrUsage) || tiles != nil {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err != nil || len(tiles) != tt.n || size.String() != tt.size || tiles[tt.n-1].Min.String() != tt.last {
			t.Errorf("%+v: %v, %v, %v", tt, size, tiles, err)
			continue
		}
		for i, tile := range tiles {
			if !tile.In(image.Rectangle{Max: size}) || tile.Dx() != tt.w || tile.Dy() != tt.h || i > 0 && tile.Overlaps(tiles[i-1]) {
				t.Errorf("%+v: tile %d at %v", tt, i, tile)
			}
		}
	}
}

// TestOptions checks which options are refused, and the defaults.
func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{Count: -1},
		{Count: MaxCount + 1},
		{Count: 2, Every: time.Second},
		{Every: -1},
		{From: -1},
		{Columns: -1},
		{Columns: MaxCount + 1},
		{Width: -1},
		{Width: MaxWidth + 1},
	} {
		if _, err := o.withDefaults(); !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	o, err := (*Options)(nil).withDefaults()
	if err != nil || o.Count != DefaultCount || o.Columns != DefaultColumns || o.Stream.Width != DefaultWidth || o.Stream.MaxBytes != DefaultMaxBytes {
		t.Errorf("%+v: %v", o, err)
	}
}

// TestVTT proves that existing tiles get cues, and that file names stay URLs.
func TestVTT(t *testing.T) {
	s := &Sheet{Tiles: []Tile{
		{From: 0, To: 10 * time.Second, Rect: image.Rect(0, 0, 320, 180)},
		{From: 10 * time.Second, To: 20 * time.Second, Rect: image.Rect(324, 0, 644, 180), Err: keyframe.ErrNotFound},
		{From: 20 * time.Second, To: 101*time.Hour + time.Minute + 1234567*time.Microsecond, Rect: image.Rect(648, 0, 968, 180)},
	}}
	const want = `WEBVTT

00:00:00.000 --> 00:00:10.000
pictures/film%20%231%3F.jpg#xywh=0,0,320,180

00:00:20.000 --> 101:01:01.235
pictures/film%20%231%3F.jpg#xywh=648,0,320,180
`
	var got bytes.Buffer
	if err := s.WriteVTT(&got, "pictures/film #1?.jpg"); err != nil || got.String() != want {
		t.Errorf("%v\n%s", err, &got)
	}
}

// TestPaint proves that pictures fill their tiles, smaller ones are centred,
// and missing ones leave them empty.
func TestPaint(t *testing.T) {
	solid := func(w, h int, v byte) *pixels { return &pixels{w, h, bytes.Repeat([]byte{v, v, v}, w*h)} }
	size, tiles, err := layOutTiles(3, 3, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	img := paintTiles(size, tiles, []*pixels{solid(4, 4, 200), nil, solid(4, 2, 100)})
	for _, p := range []struct {
		x, y int
		want byte
	}{
		{0, 0, 200},
		{3, 3, 200},
		{5, 0, ground.R},
		{8, 2, blank.R},
		{16, 0, ground.R},
		{16, 1, 100},
		{19, 2, 100},
		{19, 3, ground.R},
	} {
		if c := img.RGBAAt(p.x, p.y); c.R != p.want || c.A != 0xff {
			t.Errorf("at %d,%d: %v, want %d", p.x, p.y, c, p.want)
		}
	}
}

// TestMissing proves that the error has the first failure and the number of
// failures.
func TestMissing(t *testing.T) {
	s := &Sheet{Tiles: make([]Tile, 4)}
	if err := s.Missing(); err != nil {
		t.Error(err)
	}
	s.Tiles[1], s.Tiles[3] = Tile{From: time.Minute, Err: keyframe.ErrCorrupt}, Tile{Err: keyframe.ErrNotFound}
	if err := s.Missing(); !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "2 of 4 tiles are empty, the first at 00:01:00.000") {
		t.Error(err)
	}
}

func TestEncode(t *testing.T) {
	s := &Sheet{Image: image.NewRGBA(image.Rect(0, 0, 8, 8))}
	for _, f := range []decode.Format{decode.JPEG, decode.PNG} {
		var out bytes.Buffer
		if err := s.Encode(&out, f, 0); err != nil {
			t.Error(err)
		} else if _, name, err := image.Decode(&out); err != nil || name != f.String() {
			t.Error(name, err)
		}
	}
	if err := s.Encode(&bytes.Buffer{}, decode.WebP, 0); !errors.Is(err, kfgrab.ErrUsage) {
		t.Error(err)
	}
}
