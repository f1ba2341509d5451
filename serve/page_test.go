package serve

import (
	"net/http"
	"strings"
	"testing"
)

// TestPageHeaders: pages and assets are fetched once, and only scripts in files
// run.
func TestPageHeaders(t *testing.T) {
	s := start(t, &Options{Streams: []Stream{stream(t, "door=http://127.0.0.1:1/live.m3u8"), stream(t, "cam=rtsp://127.0.0.1:1/")}})
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/streams/door/view": "text/html; charset=utf-8", "/openapi.json": "application/json",
		"/assets/page.css": "text/css; charset=utf-8", "/assets/common.js": "text/javascript; charset=utf-8", "/assets/icon.svg": "image/svg+xml",
	} {
		first := s.get(t, path)
		etag := first.Header.Get("ETag")
		if first.StatusCode != 200 || first.Header.Get("Content-Type") != kind || etag == "" || first.Header.Get("Cache-Control") != "no-cache" || first.Header.Get("Last-Modified") != "" {
			t.Errorf("%s: %s %v", path, first.Status, first.Header)
		}
		if again := s.get(t, path, "If-None-Match", etag); again.StatusCode != 304 || len(again.body) > 0 || again.Header.Get("ETag") != etag {
			t.Errorf("%s: again: %s", path, again.Status)
		}
		if other := s.get(t, path, "If-None-Match", `"x"`); other.StatusCode != 200 || string(other.body) != string(first.body) {
			t.Errorf("%s: another: %s", path, other.Status)
		}
		if head := s.do(t, "HEAD", path); head.StatusCode != 200 || len(head.body) > 0 || head.ContentLength != int64(len(first.body)) || head.Header.Get("ETag") != etag {
			t.Errorf("%s: HEAD: %s %v", path, head.Status, head.Header)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			if got := s.do(t, method, path); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %s %v", method, path, got.Status, got.Header)
			}
		}
	}
	s.client.Transport.(*http.Transport).CloseIdleConnections()
}

// TestContentPolicy: only a page with the browser's own player allows media
// from elsewhere, and no page has inline scripts or styles.
func TestContentPolicy(t *testing.T) {
	s := start(t, &Options{Streams: []Stream{stream(t, "door=http://127.0.0.1:1/live.m3u8"), stream(t, "cam=rtsp://127.0.0.1:1/")}})
	for path, player := range map[string]bool{"/": false, "/streams/door/view": true, "/streams/cam/view": false} {
		got := s.get(t, path)
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "media-src http:") != player {
			t.Errorf("%s: %s", path, policy)
		}
		for _, inline := range []string{"<style", " style=", "<script>", " onclick", "javascript:", "//cdn"} {
			if strings.Contains(string(got.body), inline) {
				t.Errorf("%s has %s within it", path, inline)
			}
		}
		if strings.Contains(string(got.body), "data-player") != player {
			t.Errorf("%s: a player: %v", path, !player)
		}
	}
}

// TestAssets: no other file is served as an asset, whatever its name.
func TestAssets(t *testing.T) {
	s := start(t, &Options{})
	for _, path := range []string{"/assets/nothing.css", "/assets/..%2fopenapi.json", "/assets/..%2fpages%2fwall.html", "/assets/.", "/assets/%2e%2e", "/assets/page.css%00", "/assets/"} {
		s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if got := s.get(t, path); got.StatusCode != 404 && got.StatusCode != 307 && got.StatusCode != 301 {
			t.Errorf("%s: %s %.100s", path, got.Status, got.body)
		}
	}
}

// TestPageNames: a name is text, whatever it contains.
func TestPageNames(t *testing.T) {
	odd := stream(t, "x=http://127.0.0.1:1/live.m3u8")
	odd.Name = `<b onclick="x">&'/..`
	s := start(t, &Options{Streams: []Stream{odd}})
	for _, path := range []string{"/", "/streams/%3Cb%20onclick=%22x%22%3E&'%2F../view"} {
		got := s.get(t, path)
		if got.StatusCode != 200 || strings.Contains(string(got.body), "<b ") || strings.Contains(string(got.body), `="x"`) || !strings.Contains(string(got.body), "&lt;b") {
			t.Errorf("%s: %s %s", path, got.Status, got.body)
		}
	}
}

// TestMJPEGAhead: Chromium gets the next part's header with each picture, and
// every other client can read that as well.
func TestMJPEGAhead(t *testing.T) {
	s := serveOne(t, Options{})
	ctx, cancel := testContext(t)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/streams/door/mjpeg?width=160", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36")
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	pictures := parts(t, res)
	for range 3 {
		if captured, width := next(t, pictures); captured != "" || width != 160 {
			t.Errorf("%q, %d wide", captured, width)
		}
	}
}
