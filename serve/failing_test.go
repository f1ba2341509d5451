package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// TestGone: a grab goes on while one of its clients waits, and ends when none
// does.
func TestGone(t *testing.T) {
	t.Parallel()
	h := servetest.Hang(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+h.URL)}})
	c := s.streams.Load().list[0]
	var all sync.WaitGroup
	ask := func() (goes func()) {
		r, err := http.NewRequest("GET", s.url+"/streams/door/snapshot.jpg", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := testContext(t)
		all.Go(func() {
			if res, err := s.client.Do(r.WithContext(ctx)); err == nil {
				t.Error(res.Status)
				res.Body.Close()
			}
		})
		return cancel
	}
	first := ask()
	<-h.Begun
	second := ask()
	servetest.Until(t, func() bool { return c.grabs.waiters(struct{}{}) == 2 })
	first()
	servetest.Until(t, func() bool { return c.grabs.waiters(struct{}{}) == 1 })
	select {
	case <-h.Gone:
		t.Error("the grab ended with the first who went")
	default:
	}
	second()
	<-h.Gone
	all.Wait()
	if c.Status().counts.failures != 0 {
		t.Error("nobody waited, and that is taken for a failure")
	}
}

// TestFailures: each failure has its status and class, and shows no secret.
func TestFailures(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	web := testserver.Nginx(t, dir, "location /private/ { return 401; }", "location /away/ { return 404; }", "location /busy/ { return 503; }")
	short := stream(t, "slow="+servetest.Hang(t).URL)
	short.Timeout = 100 * time.Millisecond
	s := start(t, &Options{Streams: []Stream{
		stream(t, "private="+strings.Replace(web, "http://", "http://user:geheim@", 1)+"/private/live.m3u8?token=geheim"),
		stream(t, "away="+web+"/away/live.m3u8"), stream(t, "busy="+web+"/busy/live.m3u8"),
		stream(t, "closed=http://127.0.0.1:1/live.m3u8"), short,
		stream(t, "text="+web+"/text"), stream(t, "file=/nonexistent/film.mp4"),
	}})
	for name, want := range map[string]problem{
		"private": {Status: 502, Class: "unauthorised"}, "away": {Status: 502, Class: "network"}, "busy": {Status: 502, Class: "network"},
		"closed": {Status: 502, Class: "network"}, "slow": {Status: 504, Class: "timeout"}, "file": {Status: 500, Class: "other"},
	} {
		for range 2 { // the second answer is the remembered failure
			got := s.get(t, "/streams/"+name+"/snapshot.jpg")
			var p problem
			if err := json.Unmarshal(got.body, &p); err != nil || got.StatusCode != want.Status || p.Class != want.Class || p.Stream != name || p.Failing == nil {
				t.Errorf("%s: %s %s", name, got.Status, got.body)
			}
			if strings.Contains(string(got.body), "geheim") || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("ETag") != "" {
				t.Errorf("%s: %v %s", name, got.Header, got.body)
			}
		}
		drawn := s.get(t, "/streams/"+name+"/snapshot.jpg?placeholder=1&width=320")
		if drawn.StatusCode != 200 || drawn.Header.Get("X-Kfgrab-Status") != fmt.Sprint(want.Status) || drawn.size(t).X != 320 {
			t.Errorf("%s: %s %v", name, drawn.Status, drawn.Header)
		}
		if f := newStreamReport(s.streams.Load().byName[name], time.Now()).Failure; f == nil || f.Status != want.Status || f.Class != want.Class {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if n := s.streams.Load().byName["private"].Status().counts.grabs; n != 1 {
		t.Errorf("wrong credentials are tried %d times", n)
	}
}

// TestNoDecoder: without ffmpeg, only pictures are missing.
func TestNoDecoder(t *testing.T) {
	t.Parallel()
	door := stream(t, "door="+servetest.LiveHLS(t))
	door.TTL = time.Hour
	s := start(t, &Options{Streams: []Stream{door}, Decoder: decode.Decoder{Path: "/nonexistent/ffmpeg"}})
	for path, status := range map[string]int{
		"snapshot.jpg": 503, "snapshot.png": 503, "snapshot.webp": 503, "mjpeg": 503, "snapshot.mp4": 200, "snapshot.h264": 200, "snapshot.jpg?placeholder=1": 200,
	} {
		if got := s.get(t, "/streams/door/"+path); got.StatusCode != status {
			t.Errorf("%s: %s %.200s", path, got.Status, got.body)
		}
	}
	if n := s.streams.Load().list[0].Status().counts.grabs; n != 1 {
		t.Errorf("%d grabs, one for what can be had", n)
	}
	if d := s.pictures.decoder.report(t.Context()); d.Found || d.Error == "" {
		t.Errorf("%+v", d)
	}
}

// TestQueue: a stream waits for its turn if its host has all the grabs it may
// have, and its timeout starts then.
func TestQueue(t *testing.T) {
	t.Parallel()
	h := servetest.Hang(t)
	slow, good := stream(t, "slow="+h.URL), stream(t, "good="+servetest.LiveHLS(t))
	slow.Timeout, good.Timeout = 3*time.Second, 2500*time.Millisecond
	s := start(t, &Options{Streams: []Stream{slow, good}, Limits: Limits{Total: 10, PerHost: 1}})
	var all sync.WaitGroup
	all.Go(func() {
		if got := s.get(t, "/streams/slow/snapshot.mp4"); got.StatusCode != 504 {
			t.Error(got.Status)
		}
	})
	<-h.Begun
	if got := s.get(t, "/streams/good/snapshot.mp4"); got.StatusCode != 200 {
		t.Errorf("%s %s", got.Status, got.body)
	}
	all.Wait()
}

// TestLongWait: a request that waits for longer than an answer may take to
// write gets its answer.
func TestLongWait(t *testing.T) {
	t.Parallel()
	slow := stream(t, "slow="+servetest.Hang(t).URL)
	slow.Timeout = 300 * time.Millisecond
	s, err := New(&Options{Streams: []Stream{slow}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, begin := range []func(*httptest.Server){(*httptest.Server).Start, (*httptest.Server).StartTLS} {
		web := httptest.NewUnstartedServer(s)
		web.Config.WriteTimeout = 100 * time.Millisecond
		web.EnableHTTP2 = true
		begin(web)
		t.Cleanup(web.Close)
		for _, path := range []string{"/streams/slow/snapshot.jpg", "/streams/slow?probe=1"} {
			if got := (&service{s, web.URL, web.Client()}).get(t, path); got.StatusCode != 504 {
				t.Error(got.Proto, path, got.Status)
			}
		}
		s.streams.Load().list[0].aged(time.Minute)
	}
}

// TestFailedAgain: a keyframe that was fetched but is useless does not count as
// known.
func TestFailedAgain(t *testing.T) {
	t.Parallel()
	other := stream(t, "door="+servetest.NewPlaylist(t).URL)
	other.Options.Codec = keyframe.H265
	s := start(t, &Options{Streams: []Stream{other}})
	for range 2 {
		if got := s.get(t, "/streams/door/snapshot.mp4"); got.StatusCode != 502 {
			t.Errorf("%s %s", got.Status, got.body)
		}
		s.streams.Load().list[0].aged(time.Minute)
	}
}

// TestFailedDecoding: the answer has no headers of a picture that does not
// exist.
func TestFailedDecoding(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t))}, Decoder: decode.Decoder{Path: "/bin/false"}})
	for _, query := range []string{"", "?placeholder=1"} {
		got := s.get(t, "/streams/door/snapshot.jpg"+query)
		if state := got.Header.Get("X-Kfgrab-State"); state != "" && state != "placeholder" || got.Header.Get("X-Kfgrab-Captured") != "" {
			t.Errorf("%s %v", got.Status, got.Header)
		}
	}
}
