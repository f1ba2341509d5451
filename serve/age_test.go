package serve

import (
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/picture"
)

// TestSkipBlack: a stream that begins in black is grabbed from until it shows something.
func TestSkipBlack(t *testing.T) {
	t.Parallel()
	blank := stream(t, "door="+testmedia.Make(t, "black-first.ts"))
	blank.Picture.Tries = 10
	s := start(t, &Options{Streams: []Stream{blank}})
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
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.url)}})
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
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.url)}})
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

// TestStale: an old picture is served where none can be had, if the request allows it and
// with a word of it, and the stream's return is seen.
func TestStale(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.url)}})
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
