package sheet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
)

// dvrWindow serves a live playlist that lists the segments of a recording again and
// again.
func dvrWindow(t *testing.T, times int) (address string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(testmedia.Make(t, "hls-ts")))); err != nil {
		t.Fatal(err)
	}
	list := "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1000\n"
	for range times {
		list += "#EXT-X-DISCONTINUITY\n"
		for i := range 6 {
			list += fmt.Sprintf("#EXTINF:2,\nseg%d.ts\n", i)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "dvr.m3u8"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	return testserver.Nginx(t, dir) + "/dvr.m3u8"
}

// TestBudgetLeavesNoTileEmpty proves that moments that are denser than the budget
// allows lead to fewer tiles, which cover the whole window.
func TestBudgetLeavesNoTileEmpty(t *testing.T) {
	address := dvrWindow(t, 10) // 2 minutes, 12 MB
	mp4, path := served(t, "5mbit.mp4")
	for _, tt := range []struct {
		url     string
		count   int
		budget  int64
		atLeast int // tiles
	}{
		{address, 600, 3 << 20, 60},
		{address, 150, 700_000, 12},
		{address, 60, 300_000, 5},
		{mp4 + "/" + filepath.Base(path), 30, 700_000, 3},
	} {
		o := &Options{Count: tt.count, Columns: 25, Width: 64, Stream: kfgrab.Options{MaxBytes: tt.budget}}
		s, err := Make(within(t), tt.url, o)
		if err != nil {
			t.Fatal(err)
		}
		last := s.Tiles[len(s.Tiles)-1]
		if s.Missing() != nil || !s.Thinned || len(s.Tiles) < tt.atLeast || last.To != s.Duration {
			t.Errorf("%d moments within %d: %d tiles up to %v of %v, thinned %v: %v", tt.count, tt.budget, len(s.Tiles), last.To, s.Duration, s.Thinned, s.Missing())
		}
		for i := 1; i < len(s.Tiles); i++ {
			if s.Tiles[i].From != s.Tiles[i-1].To {
				t.Errorf("tile %d begins at %v, the one before ends at %v", i, s.Tiles[i].From, s.Tiles[i-1].To)
			}
		}
	}
}

// TestBudgetIsNoMatter proves that a budget that is large enough changes nothing.
func TestBudgetIsNoMatter(t *testing.T) {
	s, err := Make(within(t), dvrWindow(t, 2), &Options{Count: 24, Width: 64})
	if err != nil || s.Thinned || len(s.Tiles) != 24 || s.Missing() != nil {
		t.Errorf("%v, %+v", err, s)
	}
}

// TestTimes proves that the times are drawn into the lower left corner of each tile.
func TestTimes(t *testing.T) {
	path := testmedia.Make(t, "5mbit.mp4")
	plain, err := Make(within(t), path, &Options{Every: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	timed, err := Make(within(t), path, &Options{Every: 20 * time.Second, Times: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, tile := range timed.Tiles {
		changed := false
		for y := tile.Rect.Min.Y; y < tile.Rect.Max.Y; y++ {
			for x := tile.Rect.Min.X; x < tile.Rect.Max.X; x++ {
				if timed.Image.RGBAAt(x, y) == plain.Image.RGBAAt(x, y) {
					continue
				}
				changed = true
				if x > tile.Rect.Min.X+tile.Rect.Dx()/3 || y < tile.Rect.Max.Y-tile.Rect.Dy()/5 {
					t.Fatalf("tile %d differs at %d,%d of %v", i, x, y, tile.Rect)
				}
			}
		}
		if !changed {
			t.Errorf("tile %d has no time", i)
		}
	}
}

func TestCaptionTime(t *testing.T) {
	for _, tt := range []struct {
		times string
		want  string
	}{
		{"0s", "0:00"},
		{"9s 65.2s", "0:09 1:05"},
		{"59.9999s", "1:00"},
		{"3599s 3600s 36065s", "59:59 1:00:00 10:01:05"},
		{"1s 1.5s 2s", "0:01.0 0:01.5 0:02.0"},
		{"-1ms", "0:00"},
	} {
		var list []time.Duration
		for _, text := range strings.Fields(tt.times) {
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, d)
		}
		var got []string
		for _, d := range list {
			got = append(got, captionTime(d, shareSecond(list)))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.times, s, tt.want)
		}
	}
}

// TestSkipBlack proves that a tile shows a keyframe of its part that is not black, if
// there is one.
func TestSkipBlack(t *testing.T) {
	for _, recipe := range []string{"black-first.mp4", "hls-black-first"} {
		path := testmedia.Make(t, recipe)
		base := testserver.Nginx(t, filepath.Dir(path))
		for _, tries := range []int{0, 1, 5} {
			s, err := Make(within(t), base+"/"+filepath.Base(path), &Options{Every: time.Hour, Tries: tries})
			if err != nil {
				t.Fatal(err)
			}
			if found := s.Tiles[0].At >= 1500*time.Millisecond; found != (tries > 1) || len(s.Tiles) != 1 {
				t.Errorf("%s, %d tries: the picture at %v", recipe, tries, s.Tiles[0].At)
			}
		}
	}

	s, err := Make(within(t), testmedia.Make(t, "moov-last.mp4"), &Options{Count: 2, Tries: 3})
	plain, plainErr := Make(within(t), testmedia.Make(t, "moov-last.mp4"), &Options{Count: 2})
	if err != nil || plainErr != nil || s.Tiles[1] != plain.Tiles[1] {
		t.Errorf("%v, %v: %+v instead of %+v", err, plainErr, s, plain)
	}
}
