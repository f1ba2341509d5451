package origin

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeSegment is segment n of the loop in tests without real media.
func fakeSegment(k Kind, n int) []byte {
	return bytes.Repeat([]byte{byte(n), segmentEnding(k)[1]}, 50_000+n)
}

// fakeWeb serves made-up segments. Its clock stands at 120 s, when segments 14
// to 19 are listed.
func fakeWeb(t *testing.T) *webServer {
	t.Helper()
	p := Profile{Renditions: Full().Renditions[:2], Segment: 6 * time.Second, GOP: 2 * time.Second, Segments: 3}
	c := content{profile: p, dir: t.TempDir(), sizes: map[string]int64{}, variants: map[Kind][]variant{}}
	write := func(path string, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range p.Renditions {
		write(c.initFile(r.Name), []byte("....avcC\x01\x64\x00\x28...."))
		for n := range p.Segments {
			write(c.segmentFile(TS, r.Name, n), fakeSegment(TS, n))
			write(c.segmentFile(FMP4, r.Name, n), fakeSegment(FMP4, n))
		}
		for _, k := range []Kind{TS, FMP4} {
			v, err := c.loadRendition(k, r)
			if err != nil {
				t.Fatal(err)
			}
			c.variants[k] = append(c.variants[k], v)
		}
	}
	w, err := startWeb(c, testLine)
	if err != nil {
		t.Fatal(err)
	}
	w.now = func() time.Time { return epoch.Add(120 * time.Second) }
	t.Cleanup(w.close)
	return w
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func get(t *testing.T, url string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

func TestStatus(t *testing.T) {
	w := fakeWeb(t)
	for path, want := range map[string]int{
		"/ts/master.m3u8":          200,
		"/fmp4/master.m3u8":        200,
		"/dash/master.m3u8":        404,
		"/ts/1080p/index.m3u8":     200,
		"/ts/360p/index.m3u8":      404, // not in this profile
		"/fmp4/720p/init.mp4":      200,
		"/ts/720p/init.mp4":        404,
		"/ts/1080p/19.ts":          200, // the last in the playlist
		"/ts/1080p/8.ts":           200, // a window's length before the playlist
		"/ts/1080p/7.ts":           404, // deleted
		"/ts/1080p/20.ts":          404, // not complete yet
		"/ts/1080p/19.m4s":         404,
		"/fmp4/1080p/19.m4s":       200,
		"/ts/1080p/-1.ts":          404,
		"/ts/1080p/..%2finit.mp4":  404,
		"/ts/..%2f..%2fetc/19.ts":  404,
		"/":                        404,
		"/fmp4/1080p/019.m4s":      404,
		"/fmp4/1080p/19.m4s/extra": 404,
	} {
		if got := get(t, w.base+path).status; got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	w := fakeWeb(t)
	whole := fakeSegment(TS, testLine.loopIndex(19))
	url := w.base + segmentPath(TS, "1080p", 19)
	if a := get(t, url); !bytes.Equal(a.body, whole) || a.header.Get("Content-Type") != "video/mp2t" {
		t.Errorf("whole segment: %d bytes of %s, want %d", len(a.body), a.header.Get("Content-Type"), len(whole))
	}
	a := get(t, url, "Range", "bytes=100-299")
	if a.status != http.StatusPartialContent || !bytes.Equal(a.body, whole[100:300]) {
		t.Errorf("range: status %d, %d bytes", a.status, len(a.body))
	}
	if got := a.header.Get("Content-Range"); got != "bytes 100-299/100002" {
		t.Errorf("Content-Range %q", got)
	}
	if a := get(t, url, "Range", "bytes=900000-"); a.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("range after the end: status %d", a.status)
	}
}

func TestConditionalPlaylist(t *testing.T) {
	w := fakeWeb(t)
	url := w.base + mediaPath(TS, "1080p")
	first := get(t, url)
	modified := first.header.Get("Last-Modified")
	if again := get(t, url, "If-Modified-Since", modified); again.status != http.StatusNotModified || len(again.body) != 0 {
		t.Errorf("unchanged playlist: status %d, %d bytes", again.status, len(again.body))
	}
	w.now = func() time.Time { return epoch.Add(126 * time.Second) }
	if next := get(t, url, "If-Modified-Since", modified); next.status != 200 || !strings.HasSuffix(string(next.body), "\n20.ts\n") {
		t.Errorf("changed playlist: status %d\n%s", next.status, next.body)
	}
}

func TestRequestLog(t *testing.T) {
	w := fakeWeb(t)
	size := int64(len(fakeSegment(FMP4, 1)))
	get(t, w.base+"/fmp4/720p/19.m4s")
	get(t, w.base+"/fmp4/720p/19.m4s?token=1", "Range", "bytes=0-9")
	get(t, w.base+"/nothing")
	want := []Request{
		{"GET", "/fmp4/720p/19.m4s", "", 200, size},
		{"GET", "/fmp4/720p/19.m4s", "bytes=0-9", 206, 10},
		{"GET", "/nothing", "", 404, int64(len("404 page not found\n"))},
	}
	if d := cmp.Diff(want, w.log.copyRequests()); d != "" {
		t.Error(d)
	}
}

func TestRequestLogIsBounded(t *testing.T) {
	var l requestLog
	h := l.logRequests(http.NotFoundHandler())
	for range maxRequests + 3 {
		r, _ := http.NewRequest(http.MethodGet, "/early", nil)
		h.ServeHTTP(discard{}, r)
	}
	last, _ := http.NewRequest(http.MethodGet, "/last", nil)
	h.ServeHTTP(discard{}, last)
	got := l.copyRequests()
	if len(got) != maxRequests || got[len(got)-1].Path != "/last" {
		t.Errorf("%d entries, the last of %s", len(got), got[len(got)-1].Path)
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestSegmentSize(t *testing.T) {
	w := fakeWeb(t)
	o := &Origin{content: w.content, web: w}
	for url, want := range map[string]int64{
		o.Newest(TS):              int64(len(fakeSegment(TS, 1))),
		o.Newest(FMP4):            int64(len(fakeSegment(FMP4, 1))),
		"/ts/720p/5.ts":           int64(len(fakeSegment(TS, 2))),
		"/ts/360p/5.ts":           0,
		"/ts/720p/5.m4s":          0,
		o.Media(TS, 0):            0,
		o.HLS(TS):                 0,
		"http://elsewhere/1/2.ts": 0,
	} {
		if got := o.SegmentSize(url); got != want {
			t.Errorf("SegmentSize(%s) = %d, want %d", url, got, want)
		}
	}
	if want := w.base + "/ts/1080p/19.ts"; o.Newest(TS) != want {
		t.Errorf("Newest = %s, want %s", o.Newest(TS), want)
	}
}

func TestDeletedCache(t *testing.T) {
	w := fakeWeb(t)
	files, err := filepath.Glob(filepath.Join(w.content.dir, "*.ts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if a := get(t, w.base+"/ts/1080p/19.ts"); a.status != 500 || !strings.Contains(string(a.body), "cache was deleted") {
		t.Errorf("status %d: %s", a.status, a.body)
	}
}
