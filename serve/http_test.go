package serve

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

func serveOne(t *testing.T, o Options) *service {
	t.Helper()
	o.Streams = append(o.Streams, stream(t, "door="+servetest.LiveHLS(t)))
	return start(t, &o)
}

// TestHeaders: a picture has its type, age and state.
func TestHeaders(t *testing.T) {
	t.Parallel()
	door := stream(t, "door="+servetest.LiveHLS(t))
	door.TTL = time.Hour
	s := start(t, &Options{Streams: []Stream{door}})
	h := s.get(t, "/streams/door/snapshot.jpg?width=320").Header
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "Cache-Control": "private, max-age=3600", "X-Kfgrab-State": "fresh", "X-Content-Type-Options": "nosniff",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	age, err := strconv.Atoi(h.Get("Age")) // decoding takes a while
	if err != nil || age > 60 {
		t.Errorf("Age: %q", h.Get("Age"))
	}
	for _, name := range []string{"X-Kfgrab-Captured", "X-Kfgrab-Media-Time"} {
		if _, err := time.Parse("2006-01-02T15:04:05.000Z07:00", h.Get(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := http.ParseTime(h.Get("Last-Modified")); err != nil {
		t.Error(err)
	}
	if len(h.Get("X-Kfgrab-Bytes")) < 4 || h.Get("ETag") == "" {
		t.Errorf("%v", h)
	}
	again := s.get(t, "/streams/door/snapshot.jpg?width=320").Header
	if again.Get("X-Kfgrab-State") != "cached" || again.Get("ETag") != h.Get("ETag") {
		t.Errorf("again: %v", again)
	}
	if other := s.get(t, "/streams/door/snapshot.jpg?width=160").Header.Get("ETag"); other == h.Get("ETag") {
		t.Error("two renderings with one ETag")
	}
	if c := s.get(t, "/streams/door/snapshot.jpg?fresh=1").Header.Get("Cache-Control"); c != "no-cache" {
		t.Errorf("of a fresh one: %s", c)
	}
}

// TestConditions: a client that has the picture does not get it again.
func TestConditions(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{})
	for _, path := range []string{"/streams/door/snapshot.jpg?max_age=3600", "/streams/door/snapshot.mp4?max_age=3600"} {
		first := s.get(t, path)
		etag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
		for _, test := range []struct {
			headers []string
			status  int
		}{
			{[]string{"If-None-Match", etag}, 304},
			{[]string{"If-None-Match", `"x", W/` + etag + `, "y"`}, 304},
			{[]string{"If-None-Match", "*"}, 304},
			{[]string{"If-None-Match", `"x"`}, 200},
			{[]string{"If-None-Match", `"x"`, "If-Modified-Since", modified}, 200},
			{[]string{"If-Modified-Since", modified}, 304},
			{[]string{"If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"}, 200},
			{[]string{"If-Modified-Since", "nonsense"}, 200},
			{[]string{"If-Match", `"x"`}, 412},
			{[]string{"If-Match", etag}, 200},
			{[]string{"If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"}, 412},
		} {
			for _, method := range []string{"GET", "HEAD"} {
				got := s.do(t, method, path, test.headers...)
				if got.StatusCode != test.status || method == "HEAD" && len(got.body) > 0 || test.status == 304 && len(got.body) > 0 {
					t.Errorf("%s %s %q: %s, %d bytes", method, path, test.headers, got.Status, len(got.body))
				}
				if test.status == 304 && (got.Header.Get("ETag") != etag || got.Header.Get("Age") == "") {
					t.Errorf("%q: %v", test.headers, got.Header)
				}
			}
		}
		head := s.do(t, "HEAD", path)
		if head.ContentLength != int64(len(first.body)) || head.Header.Get("ETag") != etag {
			t.Errorf("HEAD %s: %v, want %d bytes", path, head.Header, len(first.body))
		}
	}
}

// TestRanges: the parts of an MP4 make up the whole.
func TestRanges(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{})
	const path = "/streams/door/snapshot.mp4?max_age=3600"
	whole := s.get(t, path)
	for _, test := range []struct {
		headers  []string
		status   int
		from, to int
	}{
		{[]string{"Range", "bytes=0-99"}, 206, 0, 100},
		{[]string{"Range", "bytes=100-"}, 206, 100, len(whole.body)},
		{[]string{"Range", "bytes=-50"}, 206, len(whole.body) - 50, len(whole.body)},
		{[]string{"Range", "bytes=0-99", "If-Range", whole.Header.Get("ETag")}, 206, 0, 100},
		{[]string{"Range", "bytes=0-99", "If-Range", `"x"`}, 200, 0, len(whole.body)},
	} {
		got := s.get(t, path, test.headers...)
		if got.StatusCode != test.status || string(got.body) != string(whole.body[test.from:test.to]) {
			t.Errorf("%q: %s, %d bytes", test.headers, got.Status, len(got.body))
		}
	}
	if got := s.get(t, path, "Range", "bytes=99999999-"); got.StatusCode != 416 {
		t.Errorf("behind the end: %s", got.Status)
	}
}

// TestProblems: errors are JSON.
func TestProblems(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{})
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/streams/nobody/snapshot.jpg", 404},
		{"GET", "/streams/nobody", 404},
		{"GET", "/streams/..%2f..%2fetc%2fpasswd/snapshot.jpg", 404},
		{"GET", "/streams/door/snapshot.gif", 404},
		{"GET", "/streams/door/nothing", 404},
		{"GET", "/streams/door/snapshot.jpg/more", 404},
		{"GET", "/nothing", 404},
		{"GET", "/streams/door/snapshot.jpg?width=100000", 400},
		{"GET", "/streams/door/mjpeg?every=0.01", 400},
		{"POST", "/streams/door/snapshot.jpg", 405},
		{"DELETE", "/streams", 405},
		{"PUT", "/cache", 405},
		{"BREW", "/", 405},
		{"DELETE", "/cache/nobody", 404},
		{"GET", "/latest.jpg?stream=nobody", 404},
	} {
		got := s.do(t, test.method, test.path)
		var p problem
		if err := json.Unmarshal(got.body, &p); err != nil || got.StatusCode != test.status || p.Status != test.status || p.Title == "" {
			t.Errorf("%s %s: %s %v %s", test.method, test.path, got.Status, err, got.body)
		}
		if got.Header.Get("Content-Type") != "application/problem+json" || (test.status == 405) != (got.Header.Get("Allow") != "") {
			t.Errorf("%s %s: %v", test.method, test.path, got.Header)
		}
	}
	if n := s.streams.Load().list[0].Status().counts.grabs; n != 0 {
		t.Errorf("%d grabs", n)
	}
}

// TestNegotiation: without an ending, Accept chooses the format, or the
// configuration.
func TestNegotiation(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{})
	for accept, want := range map[string]string{
		"": "image/jpeg", "*/*": "image/jpeg", "image/png": "image/png", "image/avif,image/png,*/*;q=0.8": "image/png",
		"video/*": "video/mp4", "image/jpeg;q=0.1, image/webp": "image/webp",
	} {
		got := s.get(t, "/streams/door/snapshot?width=160", "Accept", accept)
		if got.Header.Get("Content-Type") != want || got.Header.Get("Vary") != "Accept" {
			t.Errorf("%q: %s %v", accept, got.Status, got.Header)
		}
	}
	if got := s.get(t, "/streams/door/snapshot", "Accept", "text/html"); got.StatusCode != 406 {
		t.Errorf("text: %s", got.Status)
	}
}

// TestOldPaths: the paths of an earlier service work, for the first stream or a
// named one.
func TestOldPaths(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{Streams: []Stream{stream(t, "Front door="+servetest.LiveHLS(t))}})
	for _, test := range []struct{ method, path, mime, holds string }{
		{"GET", "/latest.jpg", "image/jpeg", ""},
		{"GET", "/latest.jpg?stream=door", "image/jpeg", ""},
		{"GET", "/stream/snapshot?force_refresh=true", "image/jpeg", ""},
		{"GET", "/stream/info", "application/json", `"name": "Front door"`},
		{"GET", "/stream/info?stream=door", "application/json", `"name": "door"`},
		{"GET", "/stream/cache", "application/json", `"pictures": 1`},
		{"POST", "/stream/cache/clear", "application/json", `"pictures": 0`},
		{"GET", "/stream/cache/clear?stream=door", "application/json", `"pictures": 0`},
	} {
		got := s.do(t, test.method, test.path)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != test.mime || !strings.Contains(string(got.body), test.holds) {
			t.Errorf("%s: %s %s", test.path, got.Status, got.body[:min(len(got.body), 300)])
		}
	}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if got := s.get(t, "/stream/view"); got.Header.Get("Location") != "/streams/Front%20door/view" {
		t.Errorf("view: %s %v", got.Status, got.Header)
	}
}

// TestCacheAPI: the cache is reported and can be cleared, after which the next
// request grabs.
func TestCacheAPI(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{Streams: []Stream{stream(t, "other="+servetest.LiveHLS(t))}})
	kept := func() (c fullCacheReport) {
		t.Helper()
		if err := json.Unmarshal(s.get(t, "/cache").body, &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, path := range []string{"door/snapshot.jpg?width=160", "door/snapshot.jpg?width=320", "other/snapshot.jpg?width=160"} {
		s.get(t, "/streams/"+path+"&max_age=3600")
	}
	if c := kept(); c.Pictures != 3 || c.Streams["door"].Pictures != 2 || c.Bytes < 1000 || c.MaxBytes != DefaultCacheBytes {
		t.Errorf("%+v", c)
	}
	if got := s.do(t, "DELETE", "/cache/door"); got.StatusCode != 204 {
		t.Error(got.Status)
	}
	if c := kept(); c.Pictures != 1 || c.Streams["other"].Pictures != 1 {
		t.Errorf("%+v", c)
	}
	if state := s.get(t, "/streams/door/snapshot.jpg?width=160&max_age=3600").Header.Get("X-Kfgrab-State"); state != "fresh" {
		t.Errorf("what was dropped is %s", state)
	}
	s.do(t, "DELETE", "/cache")
	if c := kept(); c.Pictures != 0 || c.Bytes != 0 {
		t.Errorf("%+v", c)
	}
}

// TestStreams: the reports describe the stream and show no secret.
func TestStreams(t *testing.T) {
	t.Parallel()
	url := strings.Replace(servetest.LiveHLS(t), "http://", "http://user:geheim@", 1) + "?token=geheim"
	s := serveOne(t, Options{Streams: []Stream{stream(t, "secret="+url)}, Software: "test/1"})
	var list listReport
	if err := json.Unmarshal(s.get(t, "/streams").body, &list); err != nil || len(list.Streams) != 2 || list.Software != "test/1" || list.Decoder.Version == "" {
		t.Errorf("%v %+v", err, list)
	}
	if one := list.Streams[0]; one.Name != "secret" || one.State != "empty" || one.Counts.Grabs != 0 || one.Mode != "on_demand" || one.TTL != 5 {
		t.Errorf("%+v", one)
	}
	s.get(t, "/streams/secret/snapshot.jpg")
	got := s.get(t, "/streams/secret")
	var one streamReport
	if err := json.Unmarshal(got.body, &one); err != nil || one.State != "cached" || one.Picture.Codec != "h264" || one.Picture.Width != 640 ||
		one.Picture.Rendition == nil || one.Picture.Rendition.Index != 0 || len(one.Renditions) != 0 || one.Counts.Captures != 1 || one.Counts.BytesToday < 1000 || one.Cache.Pictures != 1 || one.NextRefresh == "" {
		t.Errorf("%v %s", err, got.body)
	}
	if err := json.Unmarshal(s.get(t, "/streams/secret?probe=1").body, &one); err != nil || len(one.Renditions) != 3 ||
		one.Renditions[2].Height != 144 || one.Renditions[0].Bandwidth == 0 || len(one.Renditions[0].Tracks) != 2 {
		t.Errorf("probed: %v %+v", err, one.Renditions)
	}
	for _, path := range []string{"/streams", "/streams/secret", "/cache", "/streams/secret/snapshot.jpg", "/stream/info"} {
		if strings.Contains(string(s.get(t, path).body), "geheim") {
			t.Errorf("%s shows a secret", path)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{})
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := s.get(t, path); got.StatusCode != 200 || len(got.body) == 0 {
			t.Errorf("%s: %s", path, got.Status)
		}
	}
	s.run.close()
	if got := s.get(t, "/readyz"); got.StatusCode != 503 {
		t.Errorf("while it shuts down: %s", got.Status)
	}
}
