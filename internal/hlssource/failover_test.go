package hlssource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// refusing returns the address of a server that does not listen.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return "http://" + l.Addr().String()
}

// pathways is a master playlist with the same rendition at several places, the
// first of which is chosen.
func pathways(places ...string) string {
	list := "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"steer.json\",PATHWAY-ID=\"p0\"\n"
	for i := len(places) - 1; i >= 0; i-- {
		list += fmt.Sprintf("#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.64001e\",PATHWAY-ID=\"p%d\"\n%s/live.m3u8\n", i, places[i])
	}
	return list
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TestFailOver: of two pathways on two servers, the second is used if the first
// is useless, in any of these ways.
func TestFailOver(t *testing.T) {
	dead := refusing(t)
	tests := []struct {
		name    string
		dead    bool
		answers map[string]http.HandlerFunc // of the first server
		first   string                      // requests to it
		second  string                      // requests to the other
		fault   string                      // in the error; "" if there is a keyframe
	}{
		{"sound", false, nil, "live seg2", "", ""},
		{"dead", true, nil, "", "live seg2", ""},
		{"404 on the playlist", false, map[string]http.HandlerFunc{"live.m3u8": http.NotFound}, "live", "live seg2", ""},
		{"500 on the playlist", false, map[string]http.HandlerFunc{"live.m3u8": status(500)}, "live", "live seg2", ""},
		{"busy", false, map[string]http.HandlerFunc{"live.m3u8": status(http.StatusTooManyRequests)}, "live", "live seg2", ""},
		{"hung up", false, map[string]http.HandlerFunc{"live.m3u8": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}, "live", "live seg2", ""},
		{"slow playlist", false, map[string]http.HandlerFunc{"live.m3u8": silent}, "live", "live seg2", ""},
		{"404 on all segments", false, map[string]http.HandlerFunc{"seg2.ts": http.NotFound, "seg1.ts": http.NotFound}, "live seg2 seg1", "live seg2", ""},
		{"404 on one segment", false, map[string]http.HandlerFunc{"seg2.ts": http.NotFound}, "live seg2 seg1", "", ""},
		{"slow segments", false, map[string]http.HandlerFunc{"seg2.ts": silent}, "live seg2", "live seg2", ""},
		{"not authorised", false, map[string]http.HandlerFunc{"live.m3u8": status(401)}, "live", "", "status 401"},
		{"segment not authorised", false, map[string]http.HandlerFunc{"seg2.ts": status(401)}, "live seg2", "", "status 401"},
		{"no playlist", false, map[string]http.HandlerFunc{"live.m3u8": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }}, "live", "", "not an HLS playlist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := directory(t, testmedia.Make(t, "hls-ts"))
			files["live.m3u8"] = live
			one, two := newSite(t, files), newSite(t, files)
			one.answers = tt.answers
			place := one.URL
			if tt.dead {
				place = dead
			}
			home := newSite(t, map[string]string{"master.m3u8": pathways(place, two.URL)})
			s := source(t, home.URL+"/master.m3u8", nil, nil)
			limit := testTime
			if strings.HasPrefix(tt.name, "slow") {
				limit = 4 * time.Second // the first server uses up half of it
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			f, err := s.Keyframe(ctx)
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("error %v, want one with %q", err, tt.fault)
			}
			plain := func(s *site) string {
				return strings.NewReplacer(".m3u8", "", ".ts", "").Replace(names(s.took()))
			}
			if got := plain(one); got != tt.first {
				t.Errorf("asked the first for %q, want %q", got, tt.first)
			}
			if got := plain(two); got != tt.second {
				t.Errorf("asked the second for %q, want %q", got, tt.second)
			}
			if tt.second == "" {
				return
			}
			home.took()
			if again := mustGrab(t, s); string(again.Data) != string(f.Data) {
				t.Error("another picture the second time")
			}
			if h, a, b := names(home.took()), plain(one), plain(two); h+a != "" || b != "live seg2" {
				t.Errorf("then asked for %q, %q and %q, want only the pathway that worked", h, a, b)
			}
		})
	}
}

// TestFailOverAll: if nothing works, the error is the first fault, each place
// was requested once, and the next grab tries all of them again.
func TestFailOverAll(t *testing.T) {
	web := newSite(t, map[string]string{"master.m3u8": pathways("a", "b", "c", "d", "e", "f")})
	s := source(t, web.URL+"/master.m3u8", nil, nil)
	var status *fetch.StatusError
	for _, before := range []string{"", "d/live.m3u8 "} {
		_, err := try(t, s)
		if !errors.As(err, &status) || status.Code != http.StatusNotFound || !strings.HasSuffix(status.URL, "/a/live.m3u8") {
			t.Errorf("got %v, want a/live.m3u8 not to be found", err)
		}
		if got, want := names(web.took()), before+"master.m3u8 a/live.m3u8 f/live.m3u8 e/live.m3u8 d/live.m3u8"; got != want {
			t.Errorf("asked for %q, want %q", got, want)
		}
	}
}

// TestFailBack: if the second pathway fails later, the grab returns to the
// first, although that failed before.
func TestFailBack(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	files["live.m3u8"] = live
	one, two := newSite(t, files), newSite(t, files)
	home := newSite(t, map[string]string{"master.m3u8": pathways(one.URL, two.URL)})
	s := source(t, home.URL+"/master.m3u8", nil, nil)
	one.answers = map[string]http.HandlerFunc{"live.m3u8": status(500)}
	mustGrab(t, s)
	one.answers, two.answers = nil, one.answers
	one.took()
	two.took()
	mustGrab(t, s)
	if a, b := names(one.took()), names(two.took()); a != "live.m3u8 seg2.ts" || b != "live.m3u8" {
		t.Errorf("asked for %q and %q", a, b)
	}
	if got := names(home.took()); got != "master.m3u8" {
		t.Errorf("asked for %q, want the master playlist once", got)
	}
}

// TestFailOverSize: a picture of another size is used once, and the next grab
// begins with the chosen rendition. If the user named a size, no other is used.
func TestFailOverSize(t *testing.T) {
	files := map[string]string{"master.m3u8": "#EXTM3U\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nlarge.m3u8\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180\nsmall.m3u8\n", "small.m3u8": live}
	for name, data := range directory(t, testmedia.Make(t, "hls-ts")) {
		files[name] = data
	}
	web := newSite(t, files)
	s := source(t, web.URL+"/master.m3u8", nil, nil)
	for range 2 {
		mustGrab(t, s)
		if got := names(web.took()); got != "master.m3u8 large.m3u8 small.m3u8 seg2.ts" {
			t.Errorf("asked for %q", got)
		}
	}
	s = source(t, web.URL+"/master.m3u8", &Options{PickOptions: hls.PickOptions{Rendition: selector(t, "360p")}}, nil)
	if _, err := try(t, s); err == nil {
		t.Error("no error where the rendition asked for is not there")
	}
	if got := names(web.took()); got != "master.m3u8 large.m3u8" {
		t.Errorf("asked for %q", got)
	}
}

// TestFailOverIFrames: the I-frame playlist of the working pathway is used.
func TestFailOverIFrames(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-ts"))
	files := map[string]string{"b/live.m3u8": live, "b/iframes.m3u8": iframesOf(t, made, "seg1.ts", "seg2.ts")}
	for name, data := range made {
		files["b/"+name] = data
	}
	files["master.m3u8"] = pathways("a", "b")
	for i, place := range []string{"a", "b"} {
		files["master.m3u8"] += fmt.Sprintf("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,CODECS=\"avc1.64001e\",PATHWAY-ID=\"p%d\",URI=\"%s/iframes.m3u8\"\n", i, place)
	}
	web := newSite(t, files)
	s := source(t, web.URL+"/master.m3u8", nil, nil)
	mustGrab(t, s)
	if got := names(web.took()); got != "master.m3u8 a/iframes.m3u8 a/live.m3u8 b/iframes.m3u8 b/seg2.ts" {
		t.Errorf("asked for %q", got)
	}
	mustGrab(t, s)
	if got := names(web.took()); got != "b/iframes.m3u8 b/seg2.ts" {
		t.Errorf("then asked for %q", got)
	}
}

// TestFailOverLogged: the log names the failed rendition, its replacement and
// the reason.
func TestFailOverLogged(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	files["b/live.m3u8"] = strings.ReplaceAll(live, "seg", "../seg")
	files["master.m3u8"] = strings.ReplaceAll(pathways("a", "b"), "live.m3u8", "live.m3u8?token=s3cret")
	web := newSite(t, files)
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	mustGrab(t, source(t, web.URL+"/master.m3u8", &Options{Logger: logger}, nil))
	for _, want := range []string{"msg=fail-over", "pathway=p1", "b/live.m3u8", "status 404"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Error("the log shows a token")
	}
}

// TestSlowForever: if every place is slow, the error is the end of the job
// itself.
func TestSlowForever(t *testing.T) {
	web := newSite(t, map[string]string{"master.m3u8": pathways("a", "b")})
	web.answers = map[string]http.HandlerFunc{"a/live.m3u8": silent, "b/live.m3u8": silent}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, errStopped)
	defer cancel()
	if _, err := source(t, web.URL+"/master.m3u8", nil, nil).Keyframe(ctx); !errors.Is(err, errStopped) {
		t.Errorf("got %v, want the context's cause", err)
	}
	if got := names(web.took()); got != "master.m3u8 a/live.m3u8 b/live.m3u8" {
		t.Errorf("asked for %q", got)
	}
}

// TestFailOverKey: a missing key is fetched from another pathway; a refused key
// is not.
func TestFailOverKey(t *testing.T) {
	files := map[string]string{"master.m3u8": pathways("a", "b"), "b/live.m3u8": live}
	files["a/live.m3u8"] = strings.Replace(live, "#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF", 1)
	for name, data := range directory(t, testmedia.Make(t, "hls-ts")) {
		files["b/"+name] = data
	}
	web := newSite(t, files)
	for code, elsewhere := range map[int]bool{401: false, 403: false, 404: true, 503: true} {
		web.answers["a/key"] = status(code)
		_, err := try(t, source(t, web.URL+"/master.m3u8", nil, nil))
		if asked := names(web.took()); (err == nil) != elsewhere || strings.Contains(asked, "b/") != elsewhere {
			t.Errorf("%d: asked for %q, %v", code, asked, err)
		}
	}
}

// TestFailOverWaits: a grab waits for the next keyframe, its rendition fails,
// and has reported on the replacement. Then the first request for the
// replacement blocks.
func TestFailOverWaits(t *testing.T) {
	for _, tt := range []struct{ name, report, asked string }{
		{"told", "#EXT-X-RENDITION-REPORT:URI=\"../b/live.m3u8?t=1\",LAST-MSN=7,LAST-PART=0\n", "t=1&_HLS_msn=7&_HLS_part=1 t=1&_HLS_msn=7&_HLS_part=2"},
		{"told in short", "#EXT-X-RENDITION-REPORT:URI=\"../b/live.m3u8?t=1\"\n", "t=1&_HLS_msn=7&_HLS_part=1 t=1&_HLS_msn=7&_HLS_part=2"},
		{"not told", "#EXT-X-RENDITION-REPORT:URI=\"../c/live.m3u8\",LAST-MSN=7,LAST-PART=0\n", "t=1 t=1&_HLS_msn=7&_HLS_part=2 t=1&_HLS_msn=7&_HLS_part=3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := directory(t, testmedia.Make(t, "hls-ts"))
			files["master.m3u8"] = strings.Replace(pathways("a", "b"), "b/live.m3u8", "b/live.m3u8?t=1", 1)
			const head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3\n" +
				"#EXT-X-MEDIA-SEQUENCE:6\n#EXTINF:2,\n../seg0.ts\n#EXT-X-PART:DURATION=1,INDEPENDENT=YES,URI=\"../seg1.ts\"\n"
			web := newSite(t, files)
			web.answers["a/live.m3u8"] = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.RawQuery != "" {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				fmt.Fprint(w, head+tt.report)
			}
			var queries []string
			web.answers["b/live.m3u8"] = func(w http.ResponseWriter, r *http.Request) {
				queries = append(queries, r.URL.RawQuery)
				fmt.Fprint(w, head)
				for i := range len(queries) {
					fmt.Fprintf(w, "#EXT-X-PART:DURATION=1,INDEPENDENT=YES,URI=\"../seg%d.ts\"\n", i+2)
				}
			}
			f := mustGrab(t, source(t, web.URL+"/master.m3u8", &Options{Edge: hls.EdgeNext}, nil))
			if got := strings.Join(queries, " "); got != tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
			// The part in the making while the grab turns to another rendition
			// is skipped.
			if want := firstPTS(t, files[fmt.Sprintf("seg%d.ts", len(queries)+1)]); f.PTS != want {
				t.Errorf("PTS %v, want %v", f.PTS, want)
			}
		})
	}
}
