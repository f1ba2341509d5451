package serve

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// ownOrigin is a live stream of which all requests are the test's own.
func ownOrigin(t testing.TB) *origin.Origin {
	t.Helper()
	servetest.LiveHLS(t) // encoded
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// playlists counts fetches of the playlist: one per grab.
func playlists(o *origin.Origin) (n int) {
	for _, r := range o.Requests() {
		if strings.HasSuffix(r.Path, "master.m3u8") {
			n++
		}
	}
	return n
}

// crowd sends n requests at the same time.
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

// TestFreshCrowd: one grab and one decoding answer 500 clients that all want a
// fresh picture.
func TestFreshCrowd(t *testing.T) {
	t.Parallel()
	o := ownOrigin(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+o.HLS(origin.TS))}})
	s.crowd(t, 500, func(int) string { return "/streams/door/snapshot.jpg?width=160&fresh=1" })
	c := s.streams.Load().list[0]
	if c.Status().counts.grabs > 3 || playlists(o) != 1 { // a slow machine takes more than a second
		t.Errorf("%+v, %d connections", c.Status().counts, playlists(o))
	}
	if stats := s.pictures.pool.Stats(); stats.Warm+stats.Alone > c.Status().counts.captures {
		t.Errorf("%+v for %d keyframes", stats, c.Status().counts.captures)
	}
}

// TestManyStreams: 200 clients request all kinds of pictures of 20 streams.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	var streams []Stream
	for i := range 20 {
		streams = append(streams, stream(t, fmt.Sprintf("s%d=%s", i, servetest.LiveHLS(t))))
	}
	s := start(t, &Options{Streams: streams, CacheBytes: 1 << 20})
	s.crowd(t, 200, func(i int) string {
		return fmt.Sprintf("/streams/s%d/snapshot.%s?width=%d&max_age=%d", i%20, []string{"jpg", "png", "mp4", "h264"}[i%4], 64+i%2, i%3)
	})
	if _, bytes, _ := s.pictures.cache.total(); bytes > 1<<20 {
		t.Errorf("%d bytes are kept", bytes)
	}
}

// TestManySizes: requests for a hundred thousand sizes get a few different
// ones, from one grab.
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
	n, _, _ := s.pictures.cache.total()
	stats := s.pictures.pool.Stats()
	if most := len(widths); n > most || stats.Warm+stats.Alone > int64(most) || s.streams.Load().list[0].Status().counts.grabs != 1 {
		t.Errorf("%d renderings, %+v", n, stats)
	}
}
