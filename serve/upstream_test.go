package serve

import (
	"encoding/json"
	"fmt"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/config"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/schedule"
)

// ownOrigin is a live stream whose requests nobody else makes.
func ownOrigin(t testing.TB) *origin.Origin {
	t.Helper()
	liveHLS(t) // encoded
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// playlists counts what each grab fetches once, whatever it finds.
func playlists(o *origin.Origin) (n int) {
	for _, r := range o.Requests() {
		if strings.HasSuffix(r.Path, "master.m3u8") {
			n++
		}
	}
	return n
}

// crowd has n clients ask at the same time.
func (s *service) crowd(t testing.TB, n int, path func(i int) string) {
	t.Helper()
	s.client.Transport.(*http.Transport).MaxIdleConnsPerHost = n
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if got := s.get(t, path(i)); got.StatusCode != http.StatusOK || len(got.body) == 0 {
				t.Errorf("%s: %s %.200s", path(i), got.Status, got.body)
			}
		})
	}
	all.Wait()
}

// TestFreshCrowd: 500 clients who all want a fresh picture are answered from one grab,
// and from one decoding.
func TestFreshCrowd(t *testing.T) {
	t.Parallel()
	o := ownOrigin(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+o.HLS(origin.TS))}})
	s.crowd(t, 500, func(int) string { return "/streams/door/snapshot.jpg?width=160&fresh=1" })
	c := s.streams.Load().list[0]
	if c.counts.grabs > 3 || playlists(o) != 1 { // a slow machine takes more than a second
		t.Errorf("%+v, %d connections", c.counts, playlists(o))
	}
	if stats := s.pool.Stats(); stats.Warm+stats.Alone > c.counts.captures {
		t.Errorf("%+v for %d keyframes", stats, c.counts.captures)
	}
}

// TestManyStreams: 200 clients ask for all kinds of pictures of 20 streams.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	var streams []config.Stream
	for i := range 20 {
		streams = append(streams, stream(t, fmt.Sprintf("s%d=%s", i, liveHLS(t))))
	}
	s := start(t, &Options{Streams: streams, CacheBytes: 1 << 20})
	s.crowd(t, 200, func(i int) string {
		return fmt.Sprintf("/streams/s%d/snapshot.%s?width=%d&max_age=%d", i%20, []string{"jpg", "png", "mp4", "h264"}[i%4], 64+i%2, i%3)
	})
	if _, bytes, _ := s.cache.total(); bytes > 1<<20 {
		t.Errorf("%d bytes are kept", bytes)
	}
}

// hanging is a server that answers nothing until it is told to.
type hanging struct {
	*httptest.Server
	begun, gone chan struct{} // a value for each request that begins, and whose client goes
}

func hang(t testing.TB) *hanging {
	h := &hanging{begun: make(chan struct{}, 100), gone: make(chan struct{}, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.begun <- struct{}{}
		<-r.Context().Done()
		h.gone <- struct{}{}
	}))
	t.Cleanup(h.Close)
	return h
}

// TestGone: a grab goes on while one of those who wait is there, and ends when none is.
func TestGone(t *testing.T) {
	t.Parallel()
	h := hang(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+h.URL)}})
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
	<-h.begun
	second := ask()
	until(t, func() bool { return c.grabs.waiters(struct{}{}) == 2 })
	first()
	until(t, func() bool { return c.grabs.waiters(struct{}{}) == 1 })
	select {
	case <-h.gone:
		t.Error("the grab ended with the first who went")
	default:
	}
	second()
	<-h.gone
	all.Wait()
	if c.counts.failures != 0 {
		t.Error("nobody waited, and that is taken for a failure")
	}
}

// TestFailures: each has its status and its class, and shows no secret.
func TestFailures(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	web := testserver.Nginx(t, dir, "location /private/ { return 401; }", "location /away/ { return 404; }", "location /busy/ { return 503; }")
	short := stream(t, "slow="+hang(t).URL)
	short.Timeout = 100 * time.Millisecond
	s := start(t, &Options{Streams: []config.Stream{
		stream(t, "private="+strings.Replace(web, "http://", "http://user:geheim@", 1)+"/private/live.m3u8?token=geheim"),
		stream(t, "away="+web+"/away/live.m3u8"), stream(t, "busy="+web+"/busy/live.m3u8"),
		stream(t, "closed=http://127.0.0.1:1/live.m3u8"), short,
		stream(t, "text="+web+"/text"), stream(t, "file=/nonexistent/film.mp4"),
	}})
	for name, want := range map[string]problem{
		"private": {Status: 502, Class: "unauthorised"}, "away": {Status: 502, Class: "network"}, "busy": {Status: 502, Class: "network"},
		"closed": {Status: 502, Class: "network"}, "slow": {Status: 504, Class: "timeout"}, "file": {Status: 500, Class: "other"},
	} {
		for range 2 { // the second is the memory of the first
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
		if f := s.report(s.streams.Load().byName[name]).Failure; f == nil || f.Status != want.Status || f.Class != want.Class {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if n := s.streams.Load().byName["private"].counts.grabs; n != 1 {
		t.Errorf("wrong credentials are tried %d times", n)
	}
}

// TestPlaceholder: a picture is drawn in the format asked for, or the next best.
func TestPlaceholder(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door=http://127.0.0.1:1/live.m3u8")}})
	for path, mime := range map[string]string{
		"door/snapshot.jpg": "image/jpeg", "door/snapshot.png": "image/png", "door/snapshot.webp": "image/png", "nobody/snapshot.jpg": "image/jpeg",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got := s.do(t, method, "/streams/"+path+"?placeholder=1")
			if got.StatusCode != 200 || got.Header.Get("Content-Type") != mime || got.Header.Get("X-Kfgrab-State") != "placeholder" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %s %v", method, path, got.Status, got.Header)
			}
			if method == "GET" && (got.size(t).X != 640 || got.size(t).Y != 360) {
				t.Errorf("%s: %v", path, got.size(t))
			}
		}
	}
	if got := s.get(t, "/streams/door/snapshot.jpg?placeholder=0"); got.StatusCode != 502 {
		t.Error(got.Status)
	}
}

func TestWrapped(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", strings.Repeat("word ", 40), strings.Repeat("x", 1000), strings.Repeat("ü", 100)} {
		got := wrapped(text)
		if len(got) > placeholderLines {
			t.Errorf("%d lines", len(got))
		}
		for _, line := range got {
			if len([]rune(line)) > placeholderColumns {
				t.Errorf("%q", line)
			}
		}
		if joined := strings.Join(got, ""); !strings.HasPrefix(strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(strings.TrimSuffix(joined, "..."), " ", "")) {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestNoDecoder: without ffmpeg there are no pictures, and all else.
func TestNoDecoder(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{Decoder: decode.Decoder{Path: "/nonexistent/ffmpeg"}})
	for path, status := range map[string]int{
		"snapshot.jpg": 503, "snapshot.png": 503, "snapshot.webp": 503, "mjpeg": 503, "snapshot.mp4": 200, "snapshot.h264": 200, "snapshot.jpg?placeholder=1": 200,
	} {
		if got := s.get(t, "/streams/door/"+path); got.StatusCode != status {
			t.Errorf("%s: %s %.200s", path, got.Status, got.body)
		}
	}
	if n := s.streams.Load().list[0].counts.grabs; n != 1 {
		t.Errorf("%d grabs, one for what can be had", n)
	}
	if d := s.tools.report(t.Context(), &s.opt.Decoder); d.Found || d.Error == "" {
		t.Errorf("%+v", d)
	}
}

// TestSkipBlack: a stream that begins in black is grabbed from until it shows something.
func TestSkipBlack(t *testing.T) {
	t.Parallel()
	blank := stream(t, "door="+testmedia.Make(t, "black-first.ts"))
	blank.Picture.Tries = 10
	s := start(t, &Options{Streams: []config.Stream{blank}})
	got := s.get(t, "/streams/door/snapshot.jpg")
	img, err := jpeg.Decode(newReader(got.body))
	if err != nil || picture.Blank(img) {
		t.Errorf("%s %v", got.Status, err)
	}
}

// aged makes the last picture of a stream older.
func (c *camera) aged(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirmed = c.confirmed.Add(-by)
	if c.failed != nil {
		c.failed.at = c.failed.at.Add(-by)
	}
}

// listed is a live stream of nginx, whose playlist a test writes.
type listed struct {
	dir, url string
}

func newListed(t testing.TB) *listed {
	source := filepath.Dir(testmedia.Make(t, "hls-ts"))
	l := &listed{dir: t.TempDir()}
	files, err := filepath.Glob(filepath.Join(source, "*.ts"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for i, f := range files {
		data, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(l.dir, fmt.Sprintf("%d.ts", i)), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	l.list(t, 0)
	l.url = testserver.Nginx(t, l.dir) + "/live.m3u8"
	return l
}

func (l *listed) list(t testing.TB, last int) {
	t.Helper()
	text := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
	for n := range last + 1 {
		text += fmt.Sprintf("#EXTINF:2,\n%d.ts\n", n)
	}
	fresh := filepath.Join(l.dir, "fresh")
	err := os.WriteFile(fresh, []byte(text), 0o600)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(l.dir, "live.m3u8"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (l *listed) remove(t testing.TB) {
	t.Helper()
	if err := os.Remove(filepath.Join(l.dir, "live.m3u8")); err != nil {
		t.Fatal(err)
	}
}

// TestAges: a picture is served again for as long as it may, then confirmed where there
// is no newer one, and else replaced.
func TestAges(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+l.url)}})
	c := s.streams.Load().list[0]
	const path = "/streams/door/snapshot.mp4"
	first := s.get(t, path)
	etag := first.Header.Get("ETag")
	for _, step := range []struct {
		name  string
		aged  time.Duration
		query string
		state string
		same  bool
		grabs int64
	}{
		{"young enough", 4 * time.Second, "", "cached", true, 1},
		{"not for this request", 0, "?max_age=2", "fresh", true, 2},
		{"just confirmed", 0, "?fresh=1", "cached", true, 2},
		{"over its time", 6 * time.Second, "", "fresh", true, 3},
		{"but not for this request", 6 * time.Second, "?max_age=60", "cached", true, 3},
		{"fresh", 0, "?fresh=1", "fresh", true, 4},
		{"a newer one", 6 * time.Second, "", "fresh", false, 5},
	} {
		c.aged(step.aged)
		if !step.same {
			l.list(t, 1)
		}
		got := s.get(t, path+step.query)
		if state := got.Header.Get("X-Kfgrab-State"); state != step.state || (got.Header.Get("ETag") == etag) != step.same || c.counts.grabs != step.grabs {
			t.Errorf("%s: %s, the same: %v, %+v", step.name, state, got.Header.Get("ETag") == etag, c.counts)
		}
		if age := got.Header.Get("Age"); step.state == "fresh" && age != "0" || step.name == "young enough" && age != "4" {
			t.Errorf("%s: of age %s", step.name, age)
		}
	}
	if c.counts.captures != 2 || c.counts.unchanged != 3 {
		t.Errorf("%+v", c.counts)
	}
}

// TestIdle: the connection to a stream that nobody asks for is closed, and made again.
func TestIdle(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+l.url)}})
	c := s.streams.Load().list[0]
	etag := ""
	for round := range 2 {
		got := s.get(t, "/streams/door/snapshot.mp4")
		if got.Header.Get("X-Kfgrab-State") != "fresh" || c.stream == nil || round > 0 && got.Header.Get("ETag") != etag {
			t.Errorf("round %d: %s %v", round, got.Status, got.Header)
		}
		etag = got.Header.Get("ETag")
		c.disconnect() // as in a minute
		if c.stream != nil {
			t.Error("the connection is kept")
		}
		c.aged(time.Minute)
	}
}

// TestQueue: a stream whose host has all the grabs there may be waits for its turn, and
// its own time begins then.
func TestQueue(t *testing.T) {
	t.Parallel()
	h := hang(t)
	slow, good := stream(t, "slow="+h.URL), stream(t, "good="+liveHLS(t))
	slow.Timeout, good.Timeout = 3*time.Second, 2500*time.Millisecond
	s := start(t, &Options{Streams: []config.Stream{slow, good}, Limits: schedule.Limits{Total: 10, PerHost: 1}})
	var all sync.WaitGroup
	all.Go(func() {
		if got := s.get(t, "/streams/slow/snapshot.mp4"); got.StatusCode != 504 {
			t.Error(got.Status)
		}
	})
	<-h.begun
	if got := s.get(t, "/streams/good/snapshot.mp4"); got.StatusCode != 200 {
		t.Errorf("%s %s", got.Status, got.body)
	}
	all.Wait()
}

// TestLongWait: who has waited longer than an answer may take to write is answered.
func TestLongWait(t *testing.T) {
	t.Parallel()
	slow := stream(t, "slow="+hang(t).URL)
	slow.Timeout = 300 * time.Millisecond
	s, err := New(&Options{Streams: []config.Stream{slow}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(s)
	web.Config.WriteTimeout = 100 * time.Millisecond
	web.Start()
	t.Cleanup(func() {
		web.Close()
		s.Close()
	})
	if got := (&service{s, web.URL, web.Client()}).get(t, "/streams/slow/snapshot.jpg"); got.StatusCode != 504 {
		t.Error(got.Status)
	}
}

// TestStale: an old picture is served where none can be had, if the request allows it and
// with a word of it, and the stream's return is seen.
func TestStale(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door="+l.url)}})
	c := s.streams.Load().list[0]
	const path = "/streams/door/snapshot.mp4"
	s.get(t, path)
	l.remove(t)
	for _, step := range []struct {
		aged   time.Duration
		query  string
		status int
		state  string
	}{
		{0, "", 200, "cached"},
		{6 * time.Second, "", 502, ""},
		{0, "?stale_if_error=60", 200, "stale"},
		{0, "?fresh=1&stale_if_error=60", 200, "stale"},
		{0, "?stale_if_error=0.5", 502, ""},
		{60 * time.Second, "?stale_if_error=60", 502, ""},
		{0, "?stale_if_error=300", 200, "stale"},
	} {
		c.aged(step.aged)
		got := s.get(t, path+step.query)
		if got.StatusCode != step.status || got.Header.Get("X-Kfgrab-State") != step.state {
			t.Errorf("%+v: %s %v", step, got.Status, got.Header)
		}
	}
	l.list(t, 0)
	c.aged(time.Minute)
	if got := s.get(t, path); got.StatusCode != 200 || got.Header.Get("X-Kfgrab-State") != "fresh" || c.failed != nil {
		t.Errorf("back: %s %v", got.Status, got.Header)
	}
}

// TestManySizes: who asks for a hundred thousand sizes gets a few, and one grab.
func TestManySizes(t *testing.T) {
	t.Parallel()
	s := serveOne(t, Options{})
	for width := 1; width <= 100_000; width += 7 {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("HEAD", fmt.Sprintf("http://127.0.0.1/streams/door/snapshot.jpg?max_age=3600&width=%d&quality=%d", width%maxSide+1, 81+width%10), nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%d: %d %s", width, w.Code, w.Body)
		}
	}
	n, _, _ := s.cache.total()
	stats := s.pool.Stats()
	if most := len(widths); n > most || stats.Warm+stats.Alone > int64(most) || s.streams.Load().list[0].counted().grabs != 1 {
		t.Errorf("%d renderings, %+v", n, stats)
	}
}
