package hlssource

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

func length(t testing.TB, rng string) int64 {
	t.Helper()
	var from, to int64
	if _, err := fmt.Sscanf(rng, "%d-%d", &from, &to); err != nil {
		t.Fatalf("no range: %q", rng)
	}
	return to - from + 1
}

// TestBytesTransportStream: a grab fetches at most 64 KiB of a segment after
// the first keyframe, whatever the master playlist promises. This holds for the
// first grab, and once the last keyframe's size is known.
func TestBytesTransportStream(t *testing.T) {
	for _, name := range []string{"h264.ts", "h265.ts", "1080p.ts", "interlaced.ts", "noise4mb.ts"} {
		data := read(t, testmedia.Make(t, name))
		end := tsEnd(t, data)
		for _, bandwidth := range []int{1, 1_000_000, 5_000_000, 50_000_000} {
			web := newSite(t, map[string]string{
				"master.m3u8": fmt.Sprintf("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=%d\nindex.m3u8\n", bandwidth),
				"index.m3u8":  "#EXTM3U\n#EXTINF:6,\nseg.ts\n",
				"seg.ts":      string(data),
			})
			s := source(t, web.URL+"/master.m3u8", nil, nil)
			for _, pass := range []string{"cold", "again"} {
				mustGrab(t, s)
				last, times := farthest(t, web.took(), "seg.ts")
				if last >= end+64<<10 {
					t.Errorf("%s at %d bit/s, %s: read up to %d, keyframe up to %d", name, bandwidth, pass, last, end)
				}
				if pass == "again" && times > 2 {
					t.Errorf("%s at %d bit/s, %s: %d ranges", name, bandwidth, pass, times)
				}
			}
		}
	}
}

// TestBytesFirstKeyframe: a first keyframe of 8 to 35 kB costs at most half as much
// again, whatever the playlists show of the bit rate.
func TestBytesFirstKeyframe(t *testing.T) {
	const seconds = 2
	tried := 0
	for _, recipe := range []string{"hls-ts", "hls-split", "hls-dated", "hls-black-first", "hls-ladder"} {
		for name, data := range directory(t, testmedia.Make(t, recipe)) {
			if !strings.HasSuffix(name, ".ts") {
				continue
			}
			end := tsEnd(t, []byte(data))
			if end < 8<<10 || end > 35<<10 {
				continue
			}
			tried++
			rate := len(data) * 8 / seconds
			variant := fmt.Sprintf("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=%d", rate*5/4)
			const segment = "#EXTINF:2,\nseg.ts\n"
			for hint, files := range map[string]map[string]string{
				"nothing":           {"m": "#EXTM3U\n" + segment},
				"BANDWIDTH":         {"m": variant + "\nindex\n", "index": "#EXTM3U\n" + segment},
				"AVERAGE-BANDWIDTH": {"m": variant + fmt.Sprintf(",AVERAGE-BANDWIDTH=%d\nindex\n", rate), "index": "#EXTM3U\n" + segment},
				"EXT-X-BITRATE":     {"m": fmt.Sprintf("#EXTM3U\n#EXT-X-BITRATE:%d\n", rate/1000) + segment},
				"EXT-X-BYTERANGE":   {"m": fmt.Sprintf("#EXTM3U\n#EXT-X-BYTERANGE:%d@0\n", len(data)) + segment},
			} {
				files["seg.ts"] = data
				web := newSite(t, files)
				mustGrab(t, source(t, web.URL+"/m", nil, nil))
				if last, _ := farthest(t, web.took(), "seg.ts"); float64(last) > 1.5*float64(end) {
					t.Errorf("%s of %s, by %s: read up to %d, keyframe up to %d", name, recipe, hint, last, end)
				}
			}
		}
	}
	if tried < 3 {
		t.Errorf("only %d keyframes of such a size", tried)
	}
}

// TestBytesMP4: a grab takes two ranges, which end with the first keyframe.
func TestBytesMP4(t *testing.T) {
	for _, name := range []string{"hls-fmp4", "hls-h265", "hls-1080p-fmp4"} {
		files := directory(t, testmedia.Make(t, name))
		web := newSite(t, files)
		s := source(t, web.URL+"/index.m3u8", nil, nil)
		for _, pass := range []string{"cold", "again"} {
			f := mustGrab(t, s)
			last, times := farthest(t, web.took(), "seg0.m4s")
			if end := mp4End(t, []byte(files["seg0.m4s"]), f); last >= end+4<<10 || times > 2 {
				t.Errorf("%s, %s: %d ranges up to %d, keyframe up to %d", name, pass, times, last, end)
			}
		}
	}
}

// TestBytesEmptyRange: a byte range outside its file is an error.
func TestBytesEmptyRange(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-byterange"))
	files["index.m3u8"] = "#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:1000@1000000000\nindex.ts\n"
	web := newSite(t, files)
	if _, err := try(t, source(t, web.URL+"/index.m3u8", nil, nil)); err == nil {
		t.Error("no error")
	}
	if got := names(web.took()); got != "index.m3u8 index.ts" {
		t.Errorf("asked for %q", got)
	}
}

// TestRedirects: references are resolved against the final address of a
// playlist, and the second range of a segment goes straight to the final
// address of the first.
func TestRedirects(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-fmp4"))
	files := map[string]string{
		"deep/master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nlist/index.m3u8\n",
	}
	for name, data := range made {
		files["edge/"+name] = data
	}
	web := newSite(t, files)
	to := func(path string) http.HandlerFunc { return http.RedirectHandler(path, http.StatusFound).ServeHTTP }
	web.answers = map[string]http.HandlerFunc{
		"master.m3u8":          to("/deep/master.m3u8"),
		"deep/list/index.m3u8": to("/edge/x/index.m3u8?token=a"),
		"edge/x/index.m3u8":    to("/edge/index.m3u8"),
		"edge/seg0.m4s":        to("/cache/seg0.m4s"),
	}
	files["cache/seg0.m4s"] = files["edge/seg0.m4s"]
	s := source(t, web.URL+"/master.m3u8", nil, nil)
	mustGrab(t, s)
	const media = "deep/list/index.m3u8 edge/x/index.m3u8 edge/index.m3u8"
	if got, want := names(web.took()), "master.m3u8 deep/master.m3u8 "+media+" edge/init.mp4 edge/seg0.m4s cache/seg0.m4s"; got != want {
		t.Errorf("asked for %q, want %q", got, want)
	}
	mustGrab(t, s)
	if got, want := names(web.took()), media+" edge/seg0.m4s cache/seg0.m4s"; got != want {
		t.Errorf("the second time for %q, want %q", got, want)
	}
}
