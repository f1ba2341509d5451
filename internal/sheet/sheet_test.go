package sheet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// served serves a recipe's directory with nginx.
func served(t *testing.T, recipe string) (base, path string) {
	t.Helper()
	path = testmedia.Make(t, recipe)
	return testserver.Nginx(t, filepath.Dir(path)), path
}

// sizeOf adds up the sizes of the files in path's directory whose names have
// the endings.
func sizeOf(t *testing.T, path string, endings ...string) (bytes int64) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, ending := range endings {
			if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ending) {
				bytes += info.Size()
			}
		}
	}
	return bytes
}

// TestMake proves that the tiles show the keyframes of their times, and that
// only part of the media is fetched.
func TestMake(t *testing.T) {
	for _, tt := range []struct {
		recipe string
		o      Options
		at     string  // of the keyframes
		part   float64 // fetched part of the media, at most
	}{
		{"hls-ts", Options{Count: 4}, "[0s 4s 6s 10s]", 0.5},
		{"hls-fmp4", Options{Count: 4, Width: 160}, "[1s 4s 7s 10s]", 0.5},
		{"hls-fmp4", Options{Every: 1500 * time.Millisecond, From: 3 * time.Second, Columns: 2}, "[3s 4s 6s 7s 9s 10s]", 0.6},
		{"faststart.mp4", Options{Count: 8}, "[0s 1s 2s 3s]", 0.9}, // each one twice
		{"dash-sidx.mp4", Options{Count: 3, Parallel: 1}, "[1s 5s 8s]", 0.4},
		{"5mbit.mp4", Options{Every: 20 * time.Second}, "[0s 20s 40s]", 0.01},
	} {
		base, path := served(t, tt.recipe)
		s, err := Make(within(t), base+"/"+filepath.Base(path), &tt.o)
		if err != nil {
			t.Fatalf("%s: %v", tt.recipe, err)
		}
		var at []time.Duration
		for _, tile := range s.Tiles {
			at = append(at, tile.At.Round(100*time.Millisecond))
			want := pictureAt(t, path, tile.At.Round(100*time.Millisecond), tile.Rect.Size())
			if db := psnr(s.Image, tile.Rect, want); db < 35 {
				t.Errorf("%s at %v: %.1f dB", tt.recipe, tile.At, db)
			}
		}
		if got := fmt.Sprint(at); got != tt.at || s.Missing() != nil {
			t.Errorf("%s: tiles of %s, want %s; %v", tt.recipe, got, tt.at, s.Missing())
		}
		whole := sizeOf(t, path, ".ts", ".m4s", ".mp4")
		t.Logf("%s: %d of %d bytes, %d requests", tt.recipe, s.Cost.Down, whole, s.Cost.Requests)
		if part := float64(s.Cost.Down) / float64(whole); part > tt.part || s.Cost.Requests == 0 {
			t.Errorf("%s: %.3f of the media were fetched, at most %v", tt.recipe, part, tt.part)
		}
	}
}

// iframes writes an I-frame playlist of transport stream segments and a master
// playlist that names it. ffprobe says where pictures begin.
func iframes(t *testing.T, dir string) {
	t.Helper()
	list := "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:1\n#EXT-X-I-FRAMES-ONLY\n"
	for i := range 6 {
		name := fmt.Sprintf("seg%d.ts", i)
		out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,flags", "-of", "csv=p=0", filepath.Join(dir, name)).Output()
		if err != nil {
			t.Fatal(err)
		}
		from := -1
		for _, line := range strings.Fields(string(out)) {
			pos, flags, _ := strings.Cut(line, ",")
			at, err := strconv.Atoi(pos)
			if err != nil {
				t.Fatal(line)
			}
			if from >= 0 {
				list += fmt.Sprintf("#EXTINF:1,\n#EXT-X-BYTERANGE:%d@%d\n%s\n", at-from, from, name)
			}
			if from = -1; strings.HasPrefix(flags, "K") {
				from = at
			}
		}
	}
	master := "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS=\"avc1.64001e\"\nindex.m3u8\n" +
		"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,CODECS=\"avc1.64001e\",URI=\"iframes.m3u8\"\n"
	for name, text := range map[string]string{"iframes.m3u8": list + "#EXT-X-ENDLIST\n", "master.m3u8": master} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIFrames proves that twelve keyframes of a transport stream cost their own
// bytes, those of the playlists, and half a kilobyte of headers per answer.
func TestIFrames(t *testing.T) {
	path := testmedia.Make(t, "hls-ts")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	iframes(t, dir)
	s, err := Make(within(t), testserver.Nginx(t, dir)+"/master.m3u8", nil)
	if err != nil {
		t.Fatal(err)
	}
	bytes := int64(0)
	list, err := os.ReadFile(filepath.Join(dir, "iframes.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(list), "\n") {
		if rng, ok := strings.CutPrefix(line, "#EXT-X-BYTERANGE:"); ok {
			var n, at int64
			fmt.Sscanf(rng, "%d@%d", &n, &at)
			bytes += n
		}
	}
	t.Logf("%d bytes for %d of keyframes, of %d; %d requests", s.Cost.Down, bytes, sizeOf(t, path, ".ts"), s.Cost.Requests)
	if s.Missing() != nil || len(s.Tiles) != 12 || s.Cost.Requests != 14 || s.Cost.Down > bytes+14*500+int64(len(list)) {
		t.Errorf("%d tiles, %v; %d bytes in %d requests for %d of keyframes", len(s.Tiles), s.Missing(), s.Cost.Down, s.Cost.Requests, bytes)
	}
	for _, tile := range s.Tiles {
		if db := psnr(s.Image, tile.Rect, pictureAt(t, path, tile.At, tile.Rect.Size())); db < 35 {
			t.Errorf("at %v: %.1f dB", tile.At, db)
		}
	}
}

// TestLadder proves that the tiles' width chooses the rendition.
func TestLadder(t *testing.T) {
	base, _ := served(t, "hls-ladder")
	var cost [2]int64
	for i, width := range []int{160, 640} {
		s, err := Make(within(t), base+"/master.m3u8", &Options{Count: 3, Width: width})
		if err != nil {
			t.Fatal(err)
		}
		cost[i] = s.Cost.Down
	}
	if cost[0] >= cost[1] {
		t.Errorf("160 pixels wide cost %d bytes, 640 %d", cost[0], cost[1])
	}
}

// TestMissingSegment proves that a missing segment leaves an empty tile for
// each of its times.
func TestMissingSegment(t *testing.T) {
	path := testmedia.Make(t, "hls-fmp4")
	base := testserver.Nginx(t, filepath.Dir(path), "location /seg2.m4s { return 503; }")
	done := 0
	s, err := Make(within(t), base+"/index.m3u8", &Options{Count: 12, Progress: func(n, total int) {
		if done++; total != 12 || n < done {
			t.Errorf("%d of %d done after %d", n, total, done)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var status *fetch.StatusError
	err = s.Missing()
	if !errors.As(err, &status) || status.Code != 503 || kfgrab.ClassOf(err) != kfgrab.Network || !strings.Contains(err.Error(), "2 of 12 tiles") {
		t.Error(err)
	}
	if len(s.Tiles) != 12 || done != 11 {
		t.Fatalf("%d tiles, told %d times", len(s.Tiles), done)
	}
	for i, tile := range s.Tiles {
		c := s.Image.RGBAAt((tile.Rect.Min.X+tile.Rect.Max.X)/2, tile.Rect.Min.Y+20)
		if missing := i == 4 || i == 5; (tile.Err != nil) != missing || (c == blank) != missing {
			t.Errorf("tile %d: %v, colour %v", i, tile.Err, c)
		}
		if want := time.Duration(i) * time.Second; tile.From != want || tile.To != want+time.Second {
			t.Errorf("tile %d is of %v to %v", i, tile.From, tile.To)
		}
	}
}

// TestLive proves that the sheet of a live stream covers the window from its
// start.
func TestLive(t *testing.T) {
	testmedia.Make(t, "h264.ts") // skips without ffmpeg
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	s, err := Make(within(t), o.HLS(origin.FMP4), &Options{Every: time.Second})
	if err != nil || s.Missing() != nil || !s.Live || s.Tiles[0].From != 0 || s.Tiles[0].At != 0 {
		t.Errorf("%v, %+v", err, s)
	}
}

// TestErrors proves that a failure returns no sheet and an error of the right
// class.
func TestErrors(t *testing.T) {
	path := testmedia.Make(t, "5mbit.mp4")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(context.DeadlineExceeded)
	deaf := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer deaf.Close()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		url  string
		o    Options
		want kfgrab.Class
	}{
		{"nothing there", t.Context(), "/nonexistent.mp4", Options{}, kfgrab.Other},
		{"no times to go to", t.Context(), testmedia.Make(t, "h264.ts"), Options{}, kfgrab.BadStream},
		{"too many", t.Context(), path, Options{Every: time.Millisecond}, kfgrab.Usage},
		{"too large", t.Context(), path, Options{Count: 100, Columns: 100}, kfgrab.Usage},
		{"no ffmpeg", t.Context(), path, Options{Decoder: decode.Decoder{Path: "/nonexistent"}}, kfgrab.Decoder},
		{"another codec", t.Context(), path, Options{Stream: kfgrab.Options{Codec: keyframe.H265}}, kfgrab.NoKeyframe},
		{"ended", ended, deaf.URL + "/x.m3u8", Options{}, kfgrab.Timeout},
		{"bad URL", t.Context(), "gopher://x", Options{}, kfgrab.Usage},
	} {
		s, err := Make(tt.ctx, tt.url, &tt.o)
		if err == nil || s != nil || kfgrab.ClassOf(err) != tt.want {
			t.Errorf("%s: %v, of class %v, want %v", tt.name, err, kfgrab.ClassOf(err), tt.want)
		}
	}
}

// TestCancelled proves that cancelling Make in the middle returns the context's
// error.
func TestCancelled(t *testing.T) {
	base, path := served(t, "5mbit.mp4")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := Make(ctx, base+"/"+filepath.Base(path), &Options{Count: 30, Progress: func(n, _ int) {
		if n == 3 {
			cancel(context.Canceled)
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
