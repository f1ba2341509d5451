package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/kfgrab/kfgrab/internal/origin"
)

func body(t testing.TB, r *events.LambdaFunctionURLResponse) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(r.Body)
	if err != nil || !r.IsBase64Encoded {
		t.Fatalf("%+v: %v", r, err)
	}
	return data
}

func TestHTTP(t *testing.T) {
	url := startOrigin(t).HLS(origin.TS)
	f, _ := environment{
		allowedVariable: "127.0.0.1", maxAgeVariable: "30",
		streamsVariable: named(t, "lobby.west", map[string]any{"url": url, "width": 320, "sink": "s3://nowhere/"}),
	}.open(t)
	for _, test := range []struct {
		path, query, format string
		width               int
	}{
		{"/lobby.west", "", "jpeg", 320},
		{"/lobby.west/", "width=160", "jpeg", 160},
		{"/lobby.west.png", "quality=80&overlay=true", "png", 320},
		{"/", "url=" + url + "&width=200&format=png&edge=last", "png", 200},
		{"", "url=" + url + "&height=90", "jpeg", 160},
		{"/lobby.west", "width=99&height=99&fit=cover&crop=50%25x50%25%2B0%25%2B0%25&skip_black=2", "jpeg", 99},
	} {
		r := f.get(t, test.path, test.query, nil)
		if r.StatusCode != 200 || r.Headers["content-type"] != "image/"+test.format || r.Headers["cache-control"] != "max-age=30" {
			t.Errorf("%s?%s: %d, %v, %.300s", test.path, test.query, r.StatusCode, r.Headers, r.Body)
			continue
		}
		isPicture(t, body(t, r), test.format, test.width)
		if named := !strings.HasPrefix(test.query, "url="); bytes.Contains(body(t, r), []byte("127.0.0.1")) == named {
			t.Errorf("%s?%s: a picture names the address of a named stream, or not that of another: %v", test.path, test.query, named)
		}
		for _, name := range []string{"x-kfgrab-captured", "x-kfgrab-media-time"} {
			if _, err := time.Parse(time.RFC3339, r.Headers[name]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := http.ParseTime(r.Headers["last-modified"]); err != nil || r.Headers["x-kfgrab-bytes"] == "" || r.Headers["etag"] == "" {
			t.Errorf("%v: %v", r.Headers, err)
		}
	}
}

// TestHTTPConditional: a picture that the client already has is neither decoded
// nor sent.
func TestHTTPConditional(t *testing.T) {
	url := startOrigin(t).Newest(origin.TS) // the same picture each time
	f, _ := environment{streamsVariable: named(t, "a", map[string]any{"url": url})}.open(t)
	first := f.get(t, "/a", "", nil)
	before := f.decoders.Stats()
	for header, want := range map[string]int{
		first.Headers["etag"]: 304, `"x", ` + strings.TrimPrefix(first.Headers["etag"], "W/"): 304, "*": 304, `W/"x"`: 200,
	} {
		r := f.get(t, "/a", "", map[string]string{"if-none-match": header})
		if r.StatusCode != want || r.Headers["etag"] != first.Headers["etag"] || (r.Body == "") != (want == 304) {
			t.Errorf("%s: %d, %v", header, r.StatusCode, r.Headers)
		}
	}
	if s := f.decoders.Stats(); s.Warm+s.Alone-before.Warm-before.Alone != 1 {
		t.Errorf("%+v, then %+v", before, s)
	}
	if other := f.get(t, "/a.png", "", nil); other.Headers["etag"] == first.Headers["etag"] {
		t.Error("the PNG has the tag of the JPEG")
	}
	head := f.ask(t, request(t, http.MethodHead, "/a", "", nil))
	if head.StatusCode != 200 || head.Body != "" || head.Headers["content-type"] != "image/jpeg" {
		t.Errorf("%+v", head)
	}
}

// TestHTTPStage: an HTTP API may put its stage in front.
func TestHTTPStage(t *testing.T) {
	f, _ := environment{streamsVariable: named(t, "a", map[string]any{"url": startOrigin(t).HLS(origin.TS)})}.open(t)
	r := f.ask(t, []byte(strings.Replace(string(request(t, http.MethodGet, "/prod/a", "", nil)), `"stage":"$default"`, `"stage":"prod"`, 1)))
	if r.StatusCode != 200 {
		t.Errorf("%+v", r)
	}
}

func TestHTTPProblems(t *testing.T) {
	refused := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	secret := strings.Replace(refused, "://", "://me:s3cret@", 1) + "/live.m3u8"
	closed, closedLog := environment{streamsVariable: `{"cam":{"url":"` + secret + `","sink":"s3://b/p"}}`}.open(t)
	open, openLog := environment{allowedVariable: "127.0.0.1, example.com"}.open(t)
	for _, test := range []struct {
		f                           *function
		method, path, query, detail string
		status                      int
	}{
		{closed, "GET", "/", "", "the stream is missing", 400},
		{closed, "GET", "/hall", "", `"hall"`, 404},
		{closed, "GET", "/hall.jpg", "", `"hall"`, 404},
		{closed, "GET", "/favicon.ico", "", `"favicon.ico"`, 404},
		{closed, "POST", "/cam", "", "GET", 405},
		{closed, "GET", "/cam", "url=http://example.com/", "use one of them", 400},
		{closed, "GET", "/cam", "sink=s3://b/k", `"sink"`, 400},
		{closed, "GET", "/cam", "with=100", `"with"`, 400},
		{closed, "GET", "/cam", "width=wide", "width", 400},
		{closed, "GET", "/cam", "width=99999", "out of bounds", 400},
		{closed, "GET", "/cam", "at=now", "00:01:30", 400},
		{closed, "GET", "/cam", "%zz", "invalid query", 400},
		{closed, "GET", "/cam", "", "credentials", 502},
		{closed, "GET", "/", "url=" + refused, "only named streams", 403},
		{open, "GET", "/", "url=http://169.254.169.254/latest/meta-data/", "not on the list", 403},
		{open, "GET", "/", "url=http://10.0.0.1/", "not on the list", 403},
		{open, "GET", "/", "url=file:///etc/passwd", "file", 403},
		{open, "GET", "/", "url=/etc/passwd", "not allowed", 403},
		{open, "GET", "/", "url=-", "not allowed", 403},
		{open, "GET", "/", "url=udp://example.com:1", "udp", 403},
		{open, "GET", "/", "url=" + secret, "401", 502},
		{open, "GET", "/", "url=http://127.0.0.1:1/", "refused", 502},
	} {
		r := test.f.ask(t, request(t, test.method, test.path, test.query, nil))
		var p struct {
			Title, Detail, Class string
			Status               int
		}
		if err := json.Unmarshal([]byte(r.Body), &p); err != nil {
			t.Errorf("%s %s?%s: %+v: %v", test.method, test.path, test.query, r, err)
			continue
		}
		if r.StatusCode != test.status || p.Status != test.status || p.Title == "" || p.Class == "" || !strings.Contains(p.Detail, test.detail) {
			t.Errorf("%s %s?%s: %d %+v", test.method, test.path, test.query, r.StatusCode, p)
		}
		if r.Headers["content-type"] != "application/problem+json" || r.Headers["cache-control"] != "no-store" || (r.Headers["allow"] != "") != (test.status == 405) {
			t.Errorf("%s %s?%s: %v", test.method, test.path, test.query, r.Headers)
		}
		if test.f == closed && strings.Contains(p.Detail, "127.0.0.1") {
			t.Errorf("%s?%s: the answer has the address of a named stream: %s", test.path, test.query, p.Detail)
		}
	}
	for _, log := range []string{closedLog.String(), openLog.String()} {
		if strings.Contains(log, "s3cret") || !strings.Contains(log, "401") {
			t.Errorf("log: %s", log)
		}
	}
}

// FuzzHTTP: any request leads to a named stream or to one on a listed host,
// with all its connections checked; and nothing is stored.
func FuzzHTTP(f *testing.F) {
	for _, path := range []string{"/cam", "/cam.png", "/", "//cam//", "/prod/cam", "/../cam", "/%63am"} {
		f.Add(path, "url=http://example.com/&width=1&at=1:00&crop=1x1+0+0")
		f.Add(path, "url=http://me:s3cret@169.254.169.254%2F&sink=s3://b/k")
	}
	settings, err := readSettings(func(name string) string {
		return map[string]string{streamsVariable: `{"cam":{"url":"rtsp://camera/1","sink":"s3://b/p"}}`, allowedVariable: "example.com"}[name]
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		r := &httpRequest{Path: path, Query: query}
		o, err := r.parseOrder(settings)
		if err != nil {
			return
		}
		j, err := o.newJob(settings)
		if err != nil {
			return
		}
		u, err := url.Parse(j.url)
		known := j.named && j.url == "rtsp://camera/1"
		listed := !j.named && err == nil && strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") == "example.com" && j.stream.DialContext != nil
		if !known && !listed || j.sink != "" {
			t.Errorf("%q?%q: %+v", path, query, j)
		}
	})
}

// TestHTTPRedirect: a listed host cannot lead to one that is not.
func TestHTTPRedirect(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/live.m3u8", http.StatusFound)
	})
	f, _ := environment{allowedVariable: "127.0.0.1"}.open(t)
	if r := f.get(t, "/", "url="+url+"/live.m3u8", nil); r.StatusCode != 403 || !strings.Contains(r.Body, "not-allowed") {
		t.Errorf("%+v", r)
	}
}
