package serve

import (
	"image/jpeg"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/picture"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// TestSkipBlack: black keyframes at the start of a stream are skipped.
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

// aged makes the last picture and failure of a stream older.
func (c *camera) aged(by time.Duration) {
	c.record.update(func(s *status) {
		s.confirmed = s.confirmed.Add(-by)
		if s.failure != nil {
			older := *s.failure
			older.at = older.at.Add(-by)
			s.failure = &older
		}
	})
}

// TestAges: a picture is served again while it is young enough, then confirmed
// if there is no newer one, and otherwise replaced.
func TestAges(t *testing.T) {
	t.Parallel()
	l := servetest.NewPlaylist(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.URL)}})
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
			l.List(t, 1)
		}
		got := s.get(t, path+step.query)
		if state := got.Header.Get("X-Kfgrab-State"); state != step.state || (got.Header.Get("ETag") == etag) != step.same || c.Status().counts.grabs != step.grabs {
			t.Errorf("%s: %s, the same: %v, %+v", step.name, state, got.Header.Get("ETag") == etag, c.Status().counts)
		}
		if age := got.Header.Get("Age"); step.state == "fresh" && age != "0" || step.name == "young enough" && age != "4" {
			t.Errorf("%s: of age %s", step.name, age)
		}
	}
	if c.Status().counts.captures != 2 || c.Status().counts.unchanged != 3 {
		t.Errorf("%+v", c.Status().counts)
	}
}

// TestIdle: an idle connection is closed, and opened again for the next
// request.
func TestIdle(t *testing.T) {
	t.Parallel()
	l := servetest.NewPlaylist(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.URL)}})
	c := s.streams.Load().list[0]
	etag := ""
	for round := range 2 {
		got := s.get(t, "/streams/door/snapshot.mp4")
		if got.Header.Get("X-Kfgrab-State") != "fresh" || c.connection.stream == nil || round > 0 && got.Header.Get("ETag") != etag {
			t.Errorf("round %d: %s %v", round, got.Status, got.Header)
		}
		etag = got.Header.Get("ETag")
		c.connection.closeIdle() // pretends that a minute has passed
		if c.connection.stream != nil {
			t.Error("the connection is kept")
		}
		c.aged(time.Minute)
	}
}

// TestStale: if a grab fails, an old picture is served if the request allows
// it, and marked; the stream recovers.
func TestStale(t *testing.T) {
	t.Parallel()
	l := servetest.NewPlaylist(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.URL)}})
	c := s.streams.Load().list[0]
	const path = "/streams/door/snapshot.mp4"
	s.get(t, path)
	l.Remove(t)
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
	l.List(t, 0)
	c.aged(time.Minute)
	if got := s.get(t, path); got.StatusCode != 200 || got.Header.Get("X-Kfgrab-State") != "fresh" || c.Status().failure != nil {
		t.Errorf("back: %s %v", got.Status, got.Header)
	}
}
