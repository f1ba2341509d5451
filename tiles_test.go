package kfgrab_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// tiledNginx serves a ladder three times, with ready-made tiles of 160x90: a
// live list of four grids, the last with two tiles; a list of single pictures;
// and a list of missing images.
func tiledNginx(t *testing.T) (base, dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, recipe := range []string{"hls-ladder", "tiles", "pictures"} {
		if err := os.CopyFS(dir, os.DirFS(filepath.Dir(testmedia.Make(t, recipe)))); err != nil {
			t.Fatal(err)
		}
	}
	const header = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-IMAGES-ONLY\n"
	grids, pictures := header, header
	for n, tiles := range []int{6, 6, 6, 2} {
		grids += fmt.Sprintf("#EXTINF:%d,\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x2,DURATION=1\ngrid%d.jpg\n", tiles, n)
	}
	for n := range 20 {
		pictures += fmt.Sprintf("#EXTINF:1,\npicture%d.jpg\n", n)
	}
	master := string(read(t, filepath.Join(dir, "master.m3u8")))
	for name, text := range map[string]string{
		"grids.m3u8": grids, "pictures.m3u8": pictures, "none.m3u8": header + "#EXTINF:1,\nnone.jpg\n",
		"master-grids.m3u8":    master + imagesOf("grids.m3u8"),
		"master-pictures.m3u8": master + imagesOf("pictures.m3u8"),
		"master-none.m3u8":     master + imagesOf("none.m3u8"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return testserver.Nginx(t, dir), dir
}

func imagesOf(list string) string {
	return "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=16000,RESOLUTION=160x90,CODECS=\"jpeg\",URI=\"" + list + "\"\n"
}

// likest returns which of the tiles' pictures f resembles most, and how closely
// in dB.
func likest(t *testing.T, f *keyframe.Frame) (n int, best float64) {
	t.Helper()
	var got bytes.Buffer
	if err := new(decode.Decoder).Decode(within(t, testTime), &got, f, decode.Output{Format: decode.RGB24, Width: 160, Height: 90}); err != nil {
		t.Fatal(err)
	}
	stills := read(t, testmedia.Make(t, "stills.rgb"))
	for i := range len(stills) / got.Len() {
		sum := 0.0
		for k, b := range stills[i*got.Len():][:got.Len()] {
			d := float64(b) - float64(got.Bytes()[k])
			sum += d * d
		}
		if dB := 10 * math.Log10(255*255*float64(got.Len())/sum); dB > best {
			n, best = i, dB
		}
	}
	return n, best
}

// TestNginxTiles: the right tile comes for the cost of the list and one image,
// and a keyframe if no tile can be fetched.
func TestNginxTiles(t *testing.T) {
	const headers = 400 // bytes per answer
	base, dir := tiledNginx(t)
	for _, tt := range []struct {
		master  string
		picture int      // -1 for a keyframe
		files   []string // the files fetched, including the master playlist
	}{
		{"master-grids.m3u8", 19, []string{"master-grids.m3u8", "grids.m3u8", "grid3.jpg"}},
		{"master-pictures.m3u8", 19, []string{"master-pictures.m3u8", "pictures.m3u8", "picture19.jpg"}},
		{"master-none.m3u8", -1, nil},
	} {
		s := open(t, base+"/"+tt.master, &kfgrab.Options{AllowTiles: true, Width: 160})
		for i := range 2 {
			snap, err := s.Grab(within(t, testTime))
			if err != nil {
				t.Fatal(err)
			}
			if tt.picture < 0 {
				if snap.Frame.Kind != keyframe.IDR || snap.Frame.Codec != keyframe.H264 {
					t.Errorf("%s: %v of %v", tt.master, snap.Frame.Kind, snap.Frame.Codec)
				}
				continue
			}
			if n, dB := likest(t, snap.Frame); snap.Frame.Kind != keyframe.Tile || n != tt.picture || dB < 25 {
				t.Errorf("%s: %v, most like picture %d (%.1f dB), want %d", tt.master, snap.Frame.Kind, n, dB, tt.picture)
			}
			files := tt.files[min(i, 1):]
			limit := int64(headers * len(files))
			for _, name := range files {
				limit += int64(len(read(t, filepath.Join(dir, name))))
			}
			t.Logf("%s: %d bytes in %d requests, a JPEG of %d", tt.master, snap.Cost.Down, snap.Cost.Requests, len(snap.Frame.Data))
			// The second time nginx has nothing new in the list.
			if snap.Cost.Down > limit || snap.Cost.Requests != len(files) {
				t.Errorf("%s: %d bytes in %d requests, want at most %d in %d", tt.master, snap.Cost.Down, snap.Cost.Requests, limit, len(files))
			}
		}
	}
}

// TestTilesIfNewer: a tile that was delivered before is not modified.
func TestTilesIfNewer(t *testing.T) {
	base, _ := tiledNginx(t)
	s := open(t, base+"/master-grids.m3u8", &kfgrab.Options{AllowTiles: true, Width: 160, IfNewer: true})
	if _, err := s.Grab(within(t, testTime)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Grab(within(t, testTime)); !errors.Is(err, keyframe.ErrNotModified) {
		t.Errorf("again: %v", err)
	}
}

// TestTilesAtHand: the address of an image playlist works only if tiles are
// allowed.
func TestTilesAtHand(t *testing.T) {
	base, _ := tiledNginx(t)
	_, err := kfgrab.Grab(within(t, testTime), base+"/grids.m3u8", nil)
	if kfgrab.ClassOf(err) != kfgrab.BadStream || !strings.Contains(err.Error(), "only if tiles are allowed") {
		t.Errorf("got %v", err)
	}
}
