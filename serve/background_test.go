package serve

import (
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// lastNumber returns the number of the last picture; 0 if there is none.
func lastNumber(c *camera) int64 {
	s := c.Status()
	return s.standing().picture
}

// TestWarm: a stream that is held open answers at once, and no grab is made.
func TestWarm(t *testing.T) {
	t.Parallel()
	warm := rtspStream(t)
	warm.Mode = Warm
	s := start(t, &Options{Streams: []Stream{warm}})
	c := s.streams.Load().list[0]
	last := int64(0)
	for range 2 {
		got := s.get(t, "/streams/door/snapshot.jpg?fresh=1&width=160")
		if got.StatusCode != 200 || got.Header.Get("X-Kfgrab-State") != "fresh" {
			t.Fatalf("%s %s", got.Status, got.body)
		}
		last = lastNumber(c)
		servetest.Until(t, func() bool { return lastNumber(c) > last })
	}
	if c.connection.stream != nil || c.Status().counts.failures != 0 {
		t.Errorf("%+v", c.Status().counts)
	}
}

// TestWarmDown: while a warm stream is down, every request gets the reason at
// once.
func TestWarmDown(t *testing.T) {
	t.Parallel()
	l := servetest.NewPlaylist(t)
	warm := stream(t, "door="+l.URL)
	warm.Mode = Warm
	l.Remove(t)
	s := start(t, &Options{Streams: []Stream{warm}})
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.StatusCode != 502 {
		t.Errorf("%s %s", got.Status, got.body)
	}
	l.List(t, 0)
	s.streams.Load().list[0].aged(time.Minute)
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.StatusCode != 200 {
		t.Errorf("back: %s %s", got.Status, got.body)
	}
}

// TestWarmAgain: a stream that is opened again and has nothing new still
// answers with the known picture.
func TestWarmAgain(t *testing.T) {
	t.Parallel()
	l := servetest.NewPlaylist(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.URL)}})
	c := s.streams.Load().list[0]
	s.get(t, "/streams/door/snapshot.mp4")
	c.connection.closeIdle()
	c.aged(time.Minute)
	defer c.audience.join()()
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.Header.Get("X-Kfgrab-State") != "fresh" || got.Header.Get("Age") != "0" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
	if n := c.Status().counts; n.captures != 1 || n.unchanged != 1 {
		t.Errorf("%+v", n)
	}
}

// TestScheduled: scheduled pictures come without requests, and last until the
// next one.
func TestScheduled(t *testing.T) {
	t.Parallel()
	planned := stream(t, "door="+servetest.LiveHLS(t))
	planned.Mode, planned.Schedule = Scheduled, Schedule{Every: time.Hour}
	s := start(t, &Options{Streams: []Stream{planned}})
	c := s.streams.Load().list[0]
	servetest.Until(t, func() bool { return lastNumber(c) == 1 })
	servetest.Until(t, func() bool { return newStreamReport(c, time.Now()).NextRefresh != "" })
	c.aged(time.Second * 10)
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.Header.Get("X-Kfgrab-State") != "cached" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
	if got := s.get(t, "/streams/door/snapshot.mp4?max_age=1"); got.Header.Get("X-Kfgrab-State") != "fresh" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
}
