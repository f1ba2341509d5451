package hlssource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// renditions holds playlists of a video and of other media beside it: "v", "a" and
// "amp4" have H.264 in MPEG-TS, audio in MPEG-TS and in fMP4, "av1" has AV1 by its
// sample entry, "text" subtitles, and "page" is no playlist.
func renditions(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{"text/index.m3u8": "#EXTM3U\n#EXTINF:2,\nt.vtt\n#EXT-X-ENDLIST\n", "text/t.vtt": "WEBVTT\n\n", "page/index.m3u8": "<html>"}
	add := func(place, recipe string, change func(string) string) {
		for name, data := range directory(t, testmedia.Make(t, recipe)) {
			files[place+"/"+name] = change(data)
		}
	}
	same := func(data string) string { return data }
	add("v", "hls-ts", same)
	add("a", "hls-audio", same)
	add("amp4", "hls-audio-fmp4", same)
	add("av1", "hls-fmp4", func(data string) string { return strings.NewReplacer("avc1", "av01", "avcC", "av1C").Replace(data) })
	files["packed/index.m3u8"] = "#EXTM3U\n#EXTINF:2,\na.aac\n#EXT-X-ENDLIST\n"
	files["packed/a.aac"] = "ID3\x04" + strings.Repeat("\x00", 500)
	return files
}

// variantList is a master playlist of places, each with the attributes after a blank.
func variantList(variants ...string) string {
	text := "#EXTM3U\n"
	for _, v := range variants {
		place, attributes, _ := strings.Cut(v, " ")
		text += "#EXT-X-STREAM-INF:" + attributes + "\n" + place + "\n"
	}
	return text
}

// TestCandidates: if the rendition chosen has no video that is read, the next best
// one gives the picture, and is the one to read from then on.
func TestCandidates(t *testing.T) {
	const (
		video  = "v/index.m3u8 BANDWIDTH=500000"
		sized  = "v/index.m3u8 BANDWIDTH=500000,RESOLUTION=640x360"
		failed = ""
	)
	tests := []struct {
		name   string
		master string
		want   Options
		again  string // places of the second grab, without repetition; failed if there is none
	}{
		{"audio is the dearest", variantList("a/index.m3u8 BANDWIDTH=900000", video), Options{}, "v"},
		{"audio is the cheapest", variantList("a/index.m3u8 BANDWIDTH=100000", video), Options{PickOptions: hls.PickOptions{Width: 160}}, "v"},
		{"all of one bandwidth", variantList("a/index.m3u8 BANDWIDTH=5", "amp4/index.m3u8 BANDWIDTH=5", "packed/index.m3u8 BANDWIDTH=5", "v/index.m3u8 BANDWIDTH=5"), Options{}, "v"},
		{"AV1 first", variantList("av1/index.m3u8 BANDWIDTH=900000", video), Options{}, "v"},
		{"AV1 that claims to be H.264", variantList("av1/index.m3u8 BANDWIDTH=900000,CODECS=\"avc1.64001e\"", video+",CODECS=\"avc1.64001e\""), Options{}, "v"},
		{"AV1 of the same size", variantList("av1/index.m3u8 BANDWIDTH=900000,RESOLUTION=640x360", sized), Options{PickOptions: hls.PickOptions{Width: 640}}, "v"},
		{"subtitles first", variantList("text/index.m3u8 BANDWIDTH=900000", video), Options{}, "v"},
		{"AV1, audio and text first", variantList("av1/index.m3u8 BANDWIDTH=4000000", "a/index.m3u8 BANDWIDTH=900000", "text/index.m3u8 BANDWIDTH=800000", video), Options{}, "v"},
		{"CODECS forgets the video", variantList(video + ",CODECS=\"mp4a.40.2\""), Options{}, "v"},
		{"CODECS names another", variantList(video + ",CODECS=\"av01.0.04M.08\""), Options{}, "v"},
		{"CODECS is right", variantList("a/index.m3u8 BANDWIDTH=900000,CODECS=\"mp4a.40.2\""), Options{}, failed},
		{"only another codec was asked for", variantList(video + ",CODECS=\"avc1.64001e\""), Options{PickOptions: hls.PickOptions{Codec: keyframe.H265}}, failed},
		{"asked for by index", variantList("a/index.m3u8 BANDWIDTH=900000", video), Options{PickOptions: hls.PickOptions{Rendition: selector(t, "0")}}, failed},
		{"audio alone", variantList("a/index.m3u8 BANDWIDTH=900000", "amp4/index.m3u8 BANDWIDTH=500000"), Options{}, failed},
		{"a master", variantList("m2 BANDWIDTH=1"), Options{}, "v"},
		{"a master in a master", variantList("m3 BANDWIDTH=1"), Options{}, "v"},
		{"a master that leads to audio", variantList("m1 BANDWIDTH=9", video), Options{}, "v"},
		{"a master that leads to itself", variantList("loop BANDWIDTH=9"), Options{}, failed},
	}
	files := renditions(t)
	files["m1"] = variantList("a/index.m3u8 BANDWIDTH=900000")
	files["m2"] = variantList("a/index.m3u8 BANDWIDTH=900000", video)
	files["m3"] = variantList("m2 BANDWIDTH=1")
	files["loop"] = variantList("loop BANDWIDTH=9")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			own := maps.Clone(files)
			own["master.m3u8"] = tt.master
			web := newSite(t, own)
			s := source(t, web.URL+"/master.m3u8", &tt.want, nil)
			f, err := try(t, s)
			if asked := len(web.took()); asked > 30 {
				t.Errorf("%d requests", asked)
			}
			if tt.again == failed {
				if err == nil || (!errors.Is(err, keyframe.ErrNotFound) && !errors.Is(err, keyframe.ErrCorrupt)) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || f.Codec != keyframe.H264 {
				t.Fatal(err)
			}
			mustGrab(t, s)
			if got := names(web.took()); got != "v/index.m3u8 v/seg0.ts" {
				t.Errorf("the next grab asked for %q", got)
			}
			if _, err := s.Probe(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSegmentsBack: on a live stream the keyframe comes from the nearest older
// segment that is there and has one.
func TestSegmentsBack(t *testing.T) {
	tests := []struct {
		name, recipe string
		missing      []int
		vain         []int // replaced by the end of a segment, without a keyframe
		want         string
	}{
		{"newest missing", "hls-ts", []int{5}, nil, "seg4.ts"},
		{"the newest three missing", "hls-ts", []int{3, 4, 5}, nil, "seg2.ts"},
		{"all but one missing", "hls-ts", []int{1, 2, 3, 4, 5}, nil, "seg0.ts"},
		{"no keyframe in the newest three", "hls-ts", nil, []int{3, 4, 5}, "seg2.ts"},
		{"mixed", "hls-ts", []int{5, 3}, []int{4, 2}, "seg1.ts"},
		{"fMP4 missing", "hls-fmp4", []int{3, 4, 5}, nil, "seg2.m4s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := directory(t, testmedia.Make(t, tt.recipe))
			files["index.m3u8"] = strings.NewReplacer("#EXT-X-ENDLIST", "", "#EXT-X-PLAYLIST-TYPE:VOD\n", "").Replace(files["index.m3u8"])
			for _, i := range tt.missing {
				delete(files, fmt.Sprintf("seg%d%s", i, tt.want[4:]))
			}
			for _, i := range tt.vain {
				files[fmt.Sprintf("seg%d.ts", i)] = withoutKeyframe(t)
			}
			web := newSite(t, files)
			for _, edge := range []hls.Edge{hls.EdgeFirst, hls.EdgeLast} {
				mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{Edge: edge}, nil))
				asked := strings.Fields(names(web.took()))
				if got := asked[len(asked)-1]; got != tt.want {
					t.Errorf("%v: from %s of %v", edge, got, asked)
				}
			}
		})
	}
}

// withoutKeyframe returns a segment in the middle of a GOP.
func withoutKeyframe(t *testing.T) string {
	t.Helper()
	files := directory(t, testmedia.Make(t, "hls-split"))
	return files["seg1.ts"]
}

// growing answers with a live playlist that has one segment more at each request, of
// segments that the list names; at first it has empty segments.
func growing(empty int, segments ...string) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, _ *http.Request) {
		n := int(asked.Add(1)) - empty
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXT-X-MEDIA-SEQUENCE:0\n")
		for _, s := range segments[:max(0, min(n, len(segments)))] {
			fmt.Fprintf(w, "#EXTINF:0.1,\n%s\n", s)
		}
	}
}

// TestLiveWithoutKeyframeYet: a live playlist that is still empty, or lists no
// keyframe yet, is read again until there is one.
func TestLiveWithoutKeyframeYet(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	files["vain1.ts"], files["vain2.ts"], files["vain3.ts"] = withoutKeyframe(t), withoutKeyframe(t), withoutKeyframe(t)
	tests := []struct {
		name     string
		edge     hls.Edge
		playlist http.HandlerFunc
	}{
		{"empty", hls.EdgeFirst, growing(3, "seg0.ts")},
		{"empty, its last keyframe", hls.EdgeLast, growing(3, "seg0.ts")},
		{"no keyframe", hls.EdgeFirst, growing(0, "vain1.ts", "vain2.ts", "vain3.ts", "seg0.ts")},
		{"the next one, and segments without keyframes", hls.EdgeNext, growing(0, "vain1.ts", "vain2.ts", "vain3.ts", "seg0.ts")},
		{"the next one, and it is not there", hls.EdgeNext, growing(0, "vain1.ts", "vain2.ts", "gone.ts", "seg0.ts")},
		{"empty, the next one", hls.EdgeNext, growing(2, "vain1.ts", "vain2.ts", "seg0.ts")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			web := newSite(t, files)
			web.answers = map[string]http.HandlerFunc{"live.m3u8": tt.playlist}
			f := mustGrab(t, source(t, web.URL+"/live.m3u8", &Options{Edge: tt.edge}, nil))
			if f.PTS != firstPTS(t, files["seg0.ts"]) {
				t.Error("another keyframe")
			}
		})
	}
}

// TestPlaylistThatMovesWhenRead: go2rtc lists another segment only once one was
// fetched.
func TestPlaylistThatMovesWhenRead(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	var fetched atomic.Int32
	web := newSite(t, files)
	web.answers = map[string]http.HandlerFunc{
		"live.m3u8": func(w http.ResponseWriter, _ *http.Request) {
			n := fetched.Load()
			fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXTINF:0.5,\nseg.ts?n=%d\n#EXTINF:0.5,\nseg.ts?n=%d\n", n, n, n+1)
		},
		"seg.ts": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, files[fmt.Sprintf("seg%d.ts", min(fetched.Add(1), 5))])
		},
	}
	mustGrab(t, source(t, web.URL+"/live.m3u8", &Options{Edge: hls.EdgeNext}, nil))
}

// TestNoKeyframeForGood: the wait for a first keyframe ends before the caller's
// time does, and the error is the reason.
func TestNoKeyframeForGood(t *testing.T) {
	web := newSite(t, map[string]string{"live.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"})
	s := source(t, web.URL+"/live.m3u8", nil, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := s.Keyframe(ctx); !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), "lists no segment") {
		t.Error(err)
	}
}

// TestChannelList: a list of channels is named as such, with the address of one; the
// only channel of a list is read if it is a video.
func TestChannelList(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	tests := []struct {
		name, list string
		found      bool
	}{
		{"playlists", "#EXTM3U\n#EXTINF:-1 tvg-id=\"a\",One\nindex.m3u8?token=s3cret\n#EXTINF:-1,Two\nindex.m3u8\n", false},
		{"dead channels", "#EXTM3U\n#EXTINF:-1,One\ngone?token=s3cret\n#EXTINF:-1,Two\ngone\n", false},
		{"without durations", "#EXTM3U\n#EXTINF:0,One\nindex.m3u8\n", false},
		{"a video", "#EXTM3U\n#EXTINF:-1,One\nseg0.ts\n", true},
	}
	for _, tt := range tests {
		files["list.m3u"] = tt.list
		web := newSite(t, files)
		_, err := try(t, source(t, web.URL+"/list.m3u", nil, nil))
		switch {
		case tt.found != (err == nil):
			t.Errorf("%s: %v", tt.name, err)
		case err != nil && (!errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), "a list of channels") || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
