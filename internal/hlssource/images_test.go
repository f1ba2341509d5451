package hlssource

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

const tilesMaster = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.64001e,mp4a.40.2\"\nlive.m3u8\n" +
	"#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=9000,RESOLUTION=160x90,CODECS=\"jpeg\",URI=\"tiles.m3u8\"\n"

// tilesHeader begins a live list of images from number 7 on.
const tilesHeader = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-IMAGES-ONLY\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n"

// gridLine lists image n of the grids, with count tiles.
func gridLine(n, count int) string {
	return fmt.Sprintf("#EXTINF:%d,\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x2,DURATION=1\ngrid%d.jpg\n", count, n)
}

// tiledFiles are the files of a stream with segments and with tiles, in images
// 0 to 3, the last of which has two.
func tiledFiles(t testing.TB) map[string]string {
	t.Helper()
	files := directory(t, testmedia.Make(t, "hls-ts"))
	for _, recipe := range []string{"tiles", "pictures"} {
		for name, data := range directory(t, testmedia.Make(t, recipe)) {
			files[name] = data
		}
	}
	files["master.m3u8"], files["live.m3u8"] = tilesMaster, live
	files["tiles.m3u8"] = tilesHeader + gridLine(0, 6) + gridLine(1, 6) + gridLine(2, 6) + gridLine(3, 2)
	return files
}

func allowed(width int) *Options {
	return &Options{AllowTiles: true, PickOptions: hls.PickOptions{Width: width}}
}

// describeTile returns image, rectangle and time of a tile; "keyframe" for any
// other frame.
func describeTile(t testing.TB, files map[string]string, f *keyframe.Frame) string {
	t.Helper()
	if f.Codec != keyframe.JPEG || f.Kind != keyframe.Tile {
		if f.Codec == keyframe.JPEG || f.Kind == keyframe.Tile || !f.Crop.Empty() {
			t.Errorf("a frame between keyframe and tile: %v %v %v", f.Codec, f.Kind, f.Crop)
		}
		return "keyframe"
	}
	for name, data := range files {
		if strings.HasSuffix(name, ".jpg") && data == string(f.Data) {
			out := name
			if !f.Crop.Empty() {
				out += " " + f.Crop.Min.String()
			}
			if f.Info.Width != 160 || f.Info.Height != 90 || !f.Crop.Empty() && f.Crop.Size() != image.Pt(160, 90) {
				t.Errorf("%s: %dx%d of %v", name, f.Info.Width, f.Info.Height, f.Crop)
			}
			if !f.Time.IsZero() {
				out += f.Time.Format(" 15:04:05")
			}
			return out
		}
	}
	return "unknown"
}

// again returns what a second grab requests: no master playlist, and no list
// that was useless.
func again(asked string) string {
	asked = strings.TrimPrefix(asked, "master.m3u8 ")
	if strings.Contains(asked, "live.m3u8") {
		asked = strings.TrimPrefix(asked, "tiles.m3u8 ")
	}
	return asked
}

// TestTilesTaken: each list and size lead to this tile, for these requests.
func TestTilesTaken(t *testing.T) {
	ended := "#EXT-X-ENDLIST\n"
	for _, tt := range []struct {
		name    string
		list    string // instead of the four grids
		options Options
		want    string
		asked   string
	}{
		{"the newest", "", *allowed(160), "grid3.jpg (160,0) 00:00:19", "master.m3u8 tiles.m3u8 grid3.jpg"},
		{"smaller than the tile", "", *allowed(100), "grid3.jpg (160,0) 00:00:19", "master.m3u8 tiles.m3u8 grid3.jpg"},
		{"the newest at the last edge", "", Options{AllowTiles: true, Edge: hls.EdgeLast, PickOptions: hls.PickOptions{Height: 90}}, "grid3.jpg (160,0) 00:00:19", "master.m3u8 tiles.m3u8 grid3.jpg"},
		{"of a full image", tilesHeader + gridLine(2, 6), *allowed(160), "grid2.jpg (320,90) 00:00:05", "master.m3u8 tiles.m3u8 grid2.jpg"},
		{"a time of the live window", "", Options{AllowTiles: true, At: time.Second, PickOptions: hls.PickOptions{Width: 1}}, "grid0.jpg (160,0) 00:00:01", "master.m3u8 tiles.m3u8 grid0.jpg"},
		{"before the live edge", "", Options{AllowTiles: true, At: -500 * time.Millisecond, PickOptions: hls.PickOptions{Width: 1}}, "grid3.jpg (160,0) 00:00:19", "master.m3u8 tiles.m3u8 grid3.jpg"},
		{"a gap at the end", tilesHeader + gridLine(1, 6) + "#EXT-X-GAP\n" + gridLine(2, 6), *allowed(160), "grid1.jpg (320,90) 00:00:05", "master.m3u8 tiles.m3u8 grid1.jpg"},
		{"an image that is missing", tilesHeader + gridLine(1, 6) + gridLine(9, 6), *allowed(160), "grid1.jpg (320,90) 00:00:05", "master.m3u8 tiles.m3u8 grid9.jpg grid1.jpg"},
		{"one picture an image", tilesHeader + "#EXTINF:1,\npicture4.jpg\n", *allowed(160), "picture4.jpg 00:00:00", "master.m3u8 tiles.m3u8 picture4.jpg"},
		{"a grid of one", tilesHeader + "#EXTINF:1,\n#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=1x1,DURATION=1\npicture4.jpg\n", *allowed(160), "picture4.jpg 00:00:00", "master.m3u8 tiles.m3u8 picture4.jpg"},
		{"one tag for all images", tilesHeader + "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x2,DURATION=1\n#EXTINF:6,\ngrid0.jpg\n#EXTINF:6,\ngrid1.jpg\n", *allowed(160), "grid1.jpg (320,90) 00:00:11", "master.m3u8 tiles.m3u8 grid1.jpg"},
		{"variables", strings.ReplaceAll(tilesHeader+gridLine(1, 6), "#EXT-X-IMAGES-ONLY", "#EXT-X-IMAGES-ONLY\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"grid\"") + strings.ReplaceAll(gridLine(2, 6), "grid", "{$n}"), *allowed(160), "grid2.jpg (320,90) 00:00:11", "master.m3u8 tiles.m3u8 grid2.jpg"},

		{"ended: the first", tilesHeader + gridLine(0, 6) + gridLine(1, 6) + ended, *allowed(160), "grid0.jpg (0,0) 00:00:00", "master.m3u8 tiles.m3u8 grid0.jpg"},
		{"ended, at a time", tilesHeader + gridLine(0, 6) + gridLine(1, 6) + ended, Options{AllowTiles: true, At: 7500 * time.Millisecond, PickOptions: hls.PickOptions{Width: 1}}, "grid1.jpg (160,0) 00:00:07", "master.m3u8 tiles.m3u8 grid1.jpg"},
		{"ended, at a tile's beginning", tilesHeader + gridLine(0, 6) + gridLine(1, 6) + ended, Options{AllowTiles: true, At: 9 * time.Second, PickOptions: hls.PickOptions{Width: 1}}, "grid1.jpg (0,90) 00:00:09", "master.m3u8 tiles.m3u8 grid1.jpg"},
		{"ended, at the end", tilesHeader + gridLine(0, 6) + gridLine(3, 2) + ended, Options{AllowTiles: true, At: 8500 * time.Millisecond, PickOptions: hls.PickOptions{Width: 1}}, "grid3.jpg (160,0) 00:00:07", "master.m3u8 tiles.m3u8 grid3.jpg"},

		{"a long image", tilesHeader + "#EXTINF:60,\ngrid0.jpg\n", *allowed(160), "keyframe", "master.m3u8 tiles.m3u8 live.m3u8 seg2.ts"},
		{"not allowed", "", Options{PickOptions: hls.PickOptions{Width: 160}}, "keyframe", "master.m3u8 live.m3u8 seg2.ts"},
		{"no size asked for", "", Options{AllowTiles: true}, "keyframe", "master.m3u8 live.m3u8 seg2.ts"},
		{"larger than the tile", "", *allowed(161), "keyframe", "master.m3u8 live.m3u8 seg2.ts"},
		{"a codec is asked for", "", Options{AllowTiles: true, PickOptions: hls.PickOptions{Width: 160, Codec: keyframe.H264}}, "keyframe", "master.m3u8 live.m3u8 seg2.ts"},
		{"a rendition is asked for", "", Options{AllowTiles: true, PickOptions: hls.PickOptions{Width: 160, Rendition: selector(t, "best")}}, "keyframe", "master.m3u8 live.m3u8 seg2.ts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := tiledFiles(t)
			if tt.list != "" {
				files["tiles.m3u8"] = tt.list
			}
			web := newSite(t, files)
			s := source(t, web.URL+"/master.m3u8", &tt.options, nil)
			for _, asked := range []string{tt.asked, again(tt.asked)} {
				if got := describeTile(t, files, mustGrab(t, s)); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if got := names(web.took()); got != asked {
					t.Errorf("asked for %q, want %q", got, asked)
				}
			}
		})
	}
}

// TestTilesOfNoUse: if no tile can be fetched, the grab takes a keyframe, and
// later ones do not try tiles again.
func TestTilesOfNoUse(t *testing.T) {
	const tag = "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x2,DURATION=1"
	listed := func(name, tiles string) string { return tilesHeader + "#EXTINF:6,\n" + tiles + "\n" + name + "\n" }
	for _, tt := range []struct {
		name, list string
		asked      string // before the rendition's
		log        string
	}{
		{"no list", "", "tiles.m3u8", "status 404"},
		{"a list that is HTML", "<html>", "tiles.m3u8", "HTML"},
		{"a list of no images", live, "tiles.m3u8", "no use of the image playlist"},
		{"an empty list", tilesHeader, "tiles.m3u8", "no use of the image playlist"},
		{"a list of gaps", tilesHeader + "#EXT-X-GAP\n" + gridLine(0, 6), "tiles.m3u8", "only gaps"},
		{"no image", listed("gone.jpg", tag), "tiles.m3u8 gone.jpg", "status 404"},
		{"no images", tilesHeader + gridLine(8, 6) + gridLine(9, 6), "tiles.m3u8 grid9.jpg grid8.jpg", "status 404"},
		{"an image of too many pixels", listed("wide.jpg", ""), "tiles.m3u8 wide.jpg", "an image of 65535x65535"},
		{"an image that is HTML", listed("page.html", tag), "tiles.m3u8 page.html", "not a JPEG: it is an HTML page"},
		{"an empty image", listed("empty.jpg", tag), "tiles.m3u8 empty.jpg", "not a JPEG: the answer is empty"},
		{"a truncated image", listed("cut.jpg", tag), "tiles.m3u8 cut.jpg", "cut short"},
		{"a huge image", listed("huge.jpg", tag), "tiles.m3u8 huge.jpg", "too large"},
		{"a layout that is not the image's", listed("grid0.jpg", strings.Replace(tag, "3x2", "2x3", 1)), "tiles.m3u8 grid0.jpg", "2x3 tiles of 160x90 do not make up an image of 480x180"},
		{"a layout of an untiled image", listed("picture0.jpg", tag), "tiles.m3u8 picture0.jpg", "do not make up"},
		{"no layout", listed("grid0.jpg", strings.Replace(tag, "3x2", "0x0", 1)), "tiles.m3u8", "without a valid LAYOUT"},
		{"a huge layout", listed("grid0.jpg", strings.Replace(tag, "3x2", "30000x30000", 1)), "tiles.m3u8", "30000x30000 tiles"},
		{"no duration", listed("grid0.jpg", strings.Replace(tag, "DURATION=1", "DURATION=0", 1)), "tiles.m3u8", "without DURATION"},
		{"smaller tiles than the master playlist says", listed("grid0.jpg", strings.Replace(tag, "160x90", "80x45", 1)), "tiles.m3u8", "80x45 pixels, too few for width 160"},
		{"a smaller picture than the master playlist says", listed("small.jpg", ""), "tiles.m3u8 small.jpg", "too few for width 160"},
		{"a licence", strings.Replace(listed("grid0.jpg", tag), "#EXTINF", "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF", 1), "tiles.m3u8", "FairPlay"},
		{"an encryption for samples", strings.Replace(listed("grid0.jpg", tag), "#EXTINF", "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\"\n#EXTINF", 1), "tiles.m3u8 key", "images encrypted with SAMPLE-AES"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := tiledFiles(t)
			delete(files, "tiles.m3u8")
			if tt.list != "" {
				files["tiles.m3u8"] = tt.list
			}
			files["page.html"], files["empty.jpg"], files["cut.jpg"] = "<html>gone</html>", "", files["grid0.jpg"][:5000]
			files["huge.jpg"], files["key"] = files["grid0.jpg"]+strings.Repeat("\x00", maxImage), strings.Repeat("k", 16)
			files["small.jpg"] = smallPicture(t)
			files["wide.jpg"] = strings.Replace(files["small.jpg"], "\x00\x2d\x00\x50", "\xff\xff\xff\xff", 1) // height and width in its frame header
			web := newSite(t, files)
			var log strings.Builder
			o := allowed(160)
			o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			s := source(t, web.URL+"/master.m3u8", o, nil)
			for _, asked := range []string{"master.m3u8 " + tt.asked + " live.m3u8 seg2.ts", "live.m3u8 seg2.ts"} {
				if got := describeTile(t, files, mustGrab(t, s)); got != "keyframe" {
					t.Errorf("got %s", got)
				}
				if got := names(web.took()); got != asked {
					t.Errorf("asked for %q, want %q", got, asked)
				}
			}
			if !strings.Contains(log.String(), tt.log) {
				t.Errorf("no %q in the log:\n%s", tt.log, log.String())
			}
		})
	}
}

// smallPicture is a JPEG of 80x45.
func smallPicture(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 80, 45)), nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTilesFailLater: if a list that worked fails, the grab takes a keyframe.
func TestTilesFailLater(t *testing.T) {
	for _, code := range []int{http.StatusNotFound, http.StatusInternalServerError} {
		files := tiledFiles(t)
		web := newSite(t, files)
		s := source(t, web.URL+"/master.m3u8", allowed(160), nil)
		mustGrab(t, s)
		web.answers["tiles.m3u8"] = status(code)
		if got := describeTile(t, files, mustGrab(t, s)); got != "keyframe" {
			t.Errorf("%d: got %s", code, got)
		}
	}
}

// TestTilesFailOver: if the tiles of the first pathway are useless, those of
// the working pathway are used.
func TestTilesFailOver(t *testing.T) {
	files := tiledFiles(t)
	files["master.m3u8"] = pathways("a", "b")
	for i, place := range []string{"a", "b"} {
		files["master.m3u8"] += fmt.Sprintf("#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=9000,RESOLUTION=160x90,PATHWAY-ID=\"p%d\",URI=\"%s/tiles.m3u8\"\n", i, place)
	}
	files["b/tiles.m3u8"] = strings.ReplaceAll(files["tiles.m3u8"], "grid", "../grid")
	web := newSite(t, files)
	f := mustGrab(t, source(t, web.URL+"/master.m3u8", allowed(160), nil))
	if got := describeTile(t, files, f); got != "grid3.jpg (160,0) 00:00:19" {
		t.Errorf("got %s", got)
	}
	if got := names(web.took()); got != "master.m3u8 a/tiles.m3u8 a/live.m3u8 b/tiles.m3u8 grid3.jpg" {
		t.Errorf("asked for %q", got)
	}
}

// TestTilesRefused: if the server refuses the credentials, there is no
// fallback.
func TestTilesRefused(t *testing.T) {
	files := tiledFiles(t)
	web := newSite(t, files)
	web.answers["grid3.jpg"] = status(http.StatusUnauthorized)
	var refusal *fetch.StatusError
	if _, err := try(t, source(t, web.URL+"/master.m3u8", allowed(160), nil)); !errors.As(err, &refusal) || refusal.Code != http.StatusUnauthorized {
		t.Errorf("got %v", err)
	}
}

// TestTilesByRange: images may be parts of one file.
func TestTilesByRange(t *testing.T) {
	files := tiledFiles(t)
	list, all := tilesHeader, ""
	for n := range 3 {
		name := fmt.Sprintf("grid%d.jpg", n)
		list += fmt.Sprintf("#EXT-X-BYTERANGE:%d\n", len(files[name])) + strings.Replace(gridLine(n, 6), name, "all.jpg", 1)
		all += files[name]
	}
	files["tiles.m3u8"], files["all.jpg"] = strings.Replace(list, "\n#EXTINF", "@0\n#EXTINF", 1), all
	web := newSite(t, files)
	f := mustGrab(t, source(t, web.URL+"/master.m3u8", allowed(160), nil))
	if got := describeTile(t, files, f); got != "grid2.jpg (320,90) 00:00:17" {
		t.Errorf("got %s", got)
	}
	if asked := web.took(); len(asked) != 3 || asked[2] != fmt.Sprintf("all.jpg %d-%d", len(all)-len(files["grid2.jpg"]), len(all)-1) {
		t.Errorf("asked for %q", asked)
	}
}

// TestTilesEncrypted: tiles under AES-128 decrypt, with an IV and without, and
// after the key has changed at its address.
func TestTilesEncrypted(t *testing.T) {
	files := tiledFiles(t)
	plain := tiledFiles(t)
	keys := []string{"0123456789abcdef", "fedcba9876543210"}
	seal := func(key, iv string) string {
		block, err := newAES([]byte(key))
		if err != nil {
			t.Fatal(err)
		}
		vector, err := hex.DecodeString(iv)
		if err != nil {
			t.Fatal(err)
		}
		pad := 16 - len(plain["grid1.jpg"])%16
		data := append([]byte(plain["grid1.jpg"]), bytes.Repeat([]byte{byte(pad)}, pad)...)
		cipher.NewCBCEncrypter(block, vector).CryptBlocks(data, data)
		return string(data)
	}
	for _, tt := range []struct{ name, attribute, iv string }{
		{"the sequence number", "", strings.Repeat("0", 31) + "7"},
		{"an IV", ",IV=0x" + strings.Repeat("ab", 16), strings.Repeat("ab", 16)},
	} {
		files["tiles.m3u8"] = tilesHeader + "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"" + tt.attribute + "\n" + gridLine(1, 6)
		files["key"], files["grid1.jpg"] = keys[0], seal(keys[0], tt.iv)
		web := newSite(t, files)
		s := source(t, web.URL+"/master.m3u8", allowed(160), nil)
		for i, asked := range []string{"master.m3u8 tiles.m3u8 key grid1.jpg", "tiles.m3u8 grid1.jpg", "tiles.m3u8 grid1.jpg key grid1.jpg"} {
			if i == 2 {
				files["key"], files["grid1.jpg"] = keys[1], seal(keys[1], tt.iv)
			}
			if got := describeTile(t, plain, mustGrab(t, s)); got != "grid1.jpg (320,90) 00:00:05" {
				t.Errorf("%s: grab %d: got %s", tt.name, i, got)
			}
			if got := names(web.took()); got != asked {
				t.Errorf("%s: grab %d: asked for %q, want %q", tt.name, i, got, asked)
			}
		}
		files["key"] = "another one, too"
		s = source(t, web.URL+"/master.m3u8", allowed(160), nil)
		if got := describeTile(t, plain, mustGrab(t, s)); got != "keyframe" {
			t.Errorf("%s: with a wrong key: %s", tt.name, got)
		}
	}
}

// TestTilesIfNewer: if the newest tile was delivered before, a grab costs only
// the list. An image that has grown by a tile is newer.
func TestTilesIfNewer(t *testing.T) {
	files := tiledFiles(t)
	web := newSite(t, files)
	o := allowed(160)
	o.IfNewer = true
	s := source(t, web.URL+"/master.m3u8", o, nil)
	for i, step := range []struct{ list, want, asked string }{
		{gridLine(0, 5), "grid0.jpg (160,90) 00:00:04", "master.m3u8 tiles.m3u8 grid0.jpg"},
		{gridLine(0, 5), "", "tiles.m3u8"},
		{gridLine(0, 6), "grid0.jpg (320,90) 00:00:05", "tiles.m3u8 grid0.jpg"},
		{gridLine(0, 6), "", "tiles.m3u8"},
		{gridLine(0, 6) + gridLine(1, 1), "grid1.jpg (0,0) 00:00:06", "tiles.m3u8 grid1.jpg"},
	} {
		files["tiles.m3u8"] = tilesHeader + step.list
		f, err := try(t, s)
		switch {
		case step.want == "" && !errors.Is(err, keyframe.ErrNotModified):
			t.Errorf("grab %d: %v, %v", i, f, err)
		case step.want != "" && (err != nil || describeTile(t, files, f) != step.want):
			t.Errorf("grab %d: want %s, %v", i, step.want, err)
		}
		if got := names(web.took()); got != step.asked {
			t.Errorf("grab %d: asked for %q, want %q", i, got, step.asked)
		}
	}
}

// TestTilesOfALongList: if only the end of a list is fetched, it is still an
// image playlist, and the one tag at its front still applies.
func TestTilesOfALongList(t *testing.T) {
	files := tiledFiles(t)
	const many = 1200
	text := tilesHeader + "#EXT-X-TILES:RESOLUTION=160x90,LAYOUT=3x2,DURATION=1\n"
	add := func(n int) {
		text += fmt.Sprintf("#EXTINF:6,\ngrid%d.jpg?date=2026-01-01T00:00:00Z&camera=entrance&n=%d\n", n%3, n)
		files["tiles.m3u8"] = text
	}
	for n := range many {
		add(n)
	}
	web := newSite(t, files)
	s := source(t, web.URL+"/master.m3u8", allowed(160), nil)
	mustGrab(t, s)
	add(many + 1)
	web.took()
	f := mustGrab(t, s)
	if asked := web.took(); len(asked) != 2 || !strings.HasPrefix(asked[0], "tiles.m3u8 -") {
		t.Errorf("asked for %q", asked)
	}
	if got := describeTile(t, files, f); got != "grid1.jpg (320,90) 02:00:05" {
		t.Errorf("got %s", got)
	}
}

// TestImagePlaylistAlone: an image playlist works without a master playlist.
func TestImagePlaylistAlone(t *testing.T) {
	files := tiledFiles(t)
	web := newSite(t, files)
	f := mustGrab(t, source(t, web.URL+"/tiles.m3u8", allowed(160), nil))
	if got := describeTile(t, files, f); got != "grid3.jpg (160,0) 00:00:19" {
		t.Errorf("got %s", got)
	}
	for _, o := range []*Options{nil, allowed(0), {PickOptions: hls.PickOptions{Width: 160}}, {AllowTiles: true, Edge: hls.EdgeNext, PickOptions: hls.PickOptions{Width: 160}}} {
		_, err := try(t, source(t, web.URL+"/tiles.m3u8", o, nil))
		if !errors.Is(err, keyframe.ErrUnsupported) || !errors.Is(err, ErrImagesOnly) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	_, err := try(t, source(t, web.URL+"/tiles.m3u8", allowed(161), nil))
	if !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), "160x90 pixels, too few for width 161") {
		t.Errorf("larger: %v", err)
	}
}

// TestTilesOnCodec: OnCodec is not called for a tile, so no decoder is started
// in vain.
func TestTilesOnCodec(t *testing.T) {
	var told []keyframe.Codec
	o := allowed(160)
	o.OnCodec = func(c keyframe.Codec) { told = append(told, c) }
	web := newSite(t, tiledFiles(t))
	s := source(t, web.URL+"/master.m3u8", o, nil)
	mustGrab(t, s)
	if len(told) > 0 {
		t.Errorf("told %v", told)
	}
	delete(web.files, "tiles.m3u8")
	mustGrab(t, s)
	if len(told) != 1 || told[0] != keyframe.H264 {
		t.Errorf("told %v of a keyframe", told)
	}
}

// TestIFramesFailLater: if an I-frame playlist that worked fails, the grab
// takes a keyframe from the segments.
func TestIFramesFailLater(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	files["master.m3u8"] = strings.Replace(tilesMaster, "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=9000,RESOLUTION=160x90,CODECS=\"jpeg\",URI=\"tiles.m3u8\"",
		"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,URI=\"iframes.m3u8\"", 1)
	files["live.m3u8"], files["iframes.m3u8"] = live, iframesOf(t, files, "seg1.ts")
	web := newSite(t, files)
	s := source(t, web.URL+"/master.m3u8", nil, nil)
	mustGrab(t, s)
	web.answers["iframes.m3u8"] = status(http.StatusInternalServerError)
	web.took()
	mustGrab(t, s)
	if got := names(web.took()); got != "iframes.m3u8 live.m3u8 seg2.ts" {
		t.Errorf("asked for %q", got)
	}
}
