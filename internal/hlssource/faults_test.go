package hlssource

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// live is a playlist of three segments to which more are added.
const live = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n" +
	"#EXTINF:2,\nseg0.ts\n#EXTINF:2,\nseg1.ts\n#EXTINF:2,\nseg2.ts\n"

const ended = "#EXT-X-ENDLIST\n"

var errStopped = errors.New("stopped")

// TestFaults: a useless segment is skipped once, and the error is the first
// fault.
func TestFaults(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-ts"))
	sound := read(t, testmedia.Make(t, "h264-audio.ts"))
	mute := strings.Repeat("G\x1f\xff\x10"+strings.Repeat("\xff", 184), 20) // null packets
	cut := made["seg2.ts"][:2000]                                           // within the keyframe
	encrypted := func(key string) string {
		return strings.Replace(live, "#EXTINF", "#EXT-X-KEY:"+key+"\n#EXTINF", 1)
	}
	missing := http.NotFound
	tests := []struct {
		name, playlist string
		files          map[string]string // in addition to the stream's
		answers        map[string]http.HandlerFunc
		asked          string // segments, in this order
		kind           error  // nil: a keyframe of the last segment requested
		text           string // in the error
	}{
		{"live", live, nil, nil, "seg2", nil, ""},
		{"VOD", live + ended, nil, nil, "seg0", nil, ""},
		{"gap", strings.Replace(live, "#EXTINF:2,\nseg2", "#EXT-X-GAP\n#EXTINF:2,\nseg2", 1), nil, nil, "seg1", nil, ""},
		{"VOD, gap", strings.Replace(live, "#EXTINF:2,\nseg0", "#EXT-X-GAP\n#EXTINF:2,\nseg0", 1) + ended, nil, nil, "seg1", nil, ""},
		{"missing", live, nil, map[string]http.HandlerFunc{"seg2.ts": missing}, "seg2 seg1", nil, ""},
		{"VOD, missing", live + ended, nil, map[string]http.HandlerFunc{"seg0.ts": missing}, "seg0 seg1", nil, ""},
		{"forbidden", live, nil, map[string]http.HandlerFunc{"seg2.ts": status(http.StatusForbidden)}, "seg2 seg1", nil, ""},
		{"server fault", live, nil, map[string]http.HandlerFunc{"seg2.ts": status(http.StatusInternalServerError)}, "seg2 seg1", nil, ""},
		{"hung up", live, nil, map[string]http.HandlerFunc{"seg2.ts": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}, "seg2 seg1", nil, ""},
		{"empty", live, map[string]string{"seg2.ts": ""}, nil, "seg2 seg1", nil, ""},
		{"without packets of a program", live, map[string]string{"seg2.ts": mute}, nil, "seg2 seg1", nil, ""},
		{"audio only", live, map[string]string{"seg2.ts": string(sound)}, nil, "seg2 seg1", nil, ""},
		{"cut in the keyframe", live, map[string]string{"seg2.ts": cut}, nil, "seg2 seg1", nil, ""},
		{"HTML", live, map[string]string{"seg2.ts": "<html>"}, nil, "seg2 seg1", nil, ""},
		{"two missing", live, nil, map[string]http.HandlerFunc{"seg2.ts": missing, "seg1.ts": status(500)}, "seg2 seg1", &fetch.StatusError{}, "seg2.ts: status 404"},
		{"missing and empty", live, map[string]string{"seg1.ts": ""}, map[string]http.HandlerFunc{"seg2.ts": missing}, "seg2 seg1", &fetch.StatusError{}, "seg2.ts: status 404"},
		{"empty and missing", live, map[string]string{"seg2.ts": ""}, map[string]http.HandlerFunc{"seg1.ts": missing}, "seg2 seg1 seg0", nil, ""},
		{"the only one", "#EXTM3U\n#EXTINF:2,\nseg2.ts\n", nil, map[string]http.HandlerFunc{"seg2.ts": missing}, "seg2", &fetch.StatusError{}, "seg2.ts: status 404"},
		{"not authorised", live, nil, map[string]http.HandlerFunc{"seg2.ts": status(http.StatusUnauthorized)}, "seg2", &fetch.StatusError{}, "status 401"},
		{"packed audio", live, map[string]string{"seg2.ts": "ID3\x04\x00", "seg1.ts": "\xff\xf1\x50\x80"}, nil, "seg2 seg1", keyframe.ErrNotFound, "audio only"},
		{"all HTML", live, map[string]string{"seg2.ts": "<html>", "seg1.ts": "<html>"}, nil, "seg2 seg1", keyframe.ErrCorrupt, "neither MPEG-TS nor fMP4"},
		{"FairPlay", encrypted(`METHOD=SAMPLE-AES,URI="skd://a",KEYFORMAT="com.apple.streamingkeydelivery"`), nil, nil, "", keyframe.ErrUnsupported, "FairPlay (com.apple.streamingkeydelivery)"},
		{"no longer encrypted", strings.Replace(encrypted(`METHOD=AES-128,URI="key"`), "#EXTINF:2,\nseg2", "#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\nseg2", 1), nil, nil, "seg2", nil, ""},
		{"no segment", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n", nil, nil, "", keyframe.ErrNotFound, "lists no segment"},
		{"another scheme", "#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n", nil, nil, "", keyframe.ErrUnsupported, "file"},
		{"no playlist", "<html>", nil, nil, "", keyframe.ErrCorrupt, "HTML"},
		{"master to master", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nindex.m3u8\n", nil, nil, "", keyframe.ErrCorrupt, "another master"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			for _, list := range []map[string]string{made, {"index.m3u8": tt.playlist}, tt.files} {
				for name, data := range list {
					files[name] = data
				}
			}
			web := newSite(t, files)
			web.answers = tt.answers
			f, err := try(t, source(t, web.URL+"/index.m3u8?token=s3cret", nil, nil))
			asked := slices.DeleteFunc(strings.Fields(names(web.took())), func(s string) bool { return s == "index.m3u8" })
			if got := strings.ReplaceAll(strings.Join(asked, " "), ".ts", ""); got != tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
			if tt.kind == nil {
				if err != nil {
					t.Fatal(err)
				}
				data := made[asked[len(asked)-1]]
				if n := len(f.Data); f.Kind != keyframe.IDR || n < 1000 || n > len(data) {
					t.Errorf("%v of %d bytes", f.Kind, n)
				}
				if want := firstPTS(t, data); f.PTS != want {
					t.Errorf("PTS %v, want %v of %s", f.PTS, want, asked[len(asked)-1])
				}
				return
			}
			var status *fetch.StatusError
			switch {
			case f != nil || err == nil:
				t.Fatal("no error")
			case errors.As(tt.kind, &status):
				if !errors.As(err, &status) {
					t.Errorf("%v is no status error", err)
				}
			case !errors.Is(err, tt.kind):
				t.Errorf("%v, want it to wrap %v", err, tt.kind)
			}
			if text := err.Error(); !strings.Contains(text, tt.text) || strings.Contains(text, "s3cret") || strings.Contains(text, "\n") {
				t.Errorf("%q, want %q in it and no secret", text, tt.text)
			}
		})
	}
}

// TestStops: after the budget or the context has ended, nothing more is
// requested.
func TestStops(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	files["index.m3u8"] = live
	web := newSite(t, files)

	s := source(t, web.URL+"/index.m3u8", nil, &fetch.Options{MaxBytes: 3000})
	if _, err := try(t, s); !errors.Is(err, fetch.ErrBudget) {
		t.Errorf("budget: %v", err)
	}
	if got := names(web.took()); got != "index.m3u8 seg2.ts" {
		t.Errorf("budget: asked for %q", got)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	web.answers = map[string]http.HandlerFunc{"seg2.ts": func(w http.ResponseWriter, r *http.Request) {
		cancel(errStopped)
		<-r.Context().Done()
	}}
	if _, err := source(t, web.URL+"/index.m3u8", nil, nil).Keyframe(ctx); !errors.Is(err, errStopped) {
		t.Errorf("cancelled: %v", err)
	}
	if got := names(web.took()); got != "index.m3u8 seg2.ts" {
		t.Errorf("cancelled: asked for %q", got)
	}
}

// TestGone: if a rendition is gone, another is chosen from the master playlist,
// and nothing of the old one is kept. A busy server gets no further requests.
func TestGone(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-fmp4"))
	files := map[string]string{"master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\na/index.m3u8\n"}
	for name, data := range made {
		files["a/"+name], files["b/"+name] = data, data
	}
	web := newSite(t, files)
	s := source(t, web.URL+"/master.m3u8", nil, nil)
	mustGrab(t, s)
	web.took()

	web.answers = map[string]http.HandlerFunc{"a/index.m3u8": status(http.StatusServiceUnavailable)}
	if _, err := try(t, s); err == nil {
		t.Error("no error of a busy server")
	}
	if got := names(web.took()); got != "a/index.m3u8" {
		t.Errorf("busy: asked for %q", got)
	}
	web.answers = map[string]http.HandlerFunc{"a/index.m3u8": http.NotFound}
	files["master.m3u8"] = strings.Replace(files["master.m3u8"], "a/", "b/", 1)
	mustGrab(t, s)
	if got := names(web.took()); got != "a/index.m3u8 master.m3u8 b/index.m3u8 b/init.mp4 b/seg0.m4s" {
		t.Errorf("gone: asked for %q", got)
	}
	mustGrab(t, s)
	if got := names(web.took()); got != "b/index.m3u8 b/seg0.m4s" {
		t.Errorf("after that: asked for %q", got)
	}
}
