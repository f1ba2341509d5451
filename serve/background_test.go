package serve

import (
	"testing"
	"time"
)

// TestWarm: a stream that is held open answers at once, and no grab is made.
func TestWarm(t *testing.T) {
	t.Parallel()
	warm := stream(t, "door="+rtspCamera(t).URL("/live").String())
	warm.Mode = Warm
	s := start(t, &Options{Streams: []Stream{warm}})
	c := s.streams.Load().list[0]
	last := int64(0)
	for range 2 {
		got := s.get(t, "/streams/door/snapshot.jpg?fresh=1&width=160")
		if got.StatusCode != 200 || got.Header.Get("X-Kfgrab-State") != "fresh" {
			t.Fatalf("%s %s", got.Status, got.body)
		}
		last = c.standing().picture
		until(t, func() bool { return c.standing().picture > last })
	}
	if c.stream != nil || c.counts.failures != 0 {
		t.Errorf("%+v", c.counts)
	}
}

// TestWarmDown: of one that cannot be held open every request is told why, at once.
func TestWarmDown(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	warm := stream(t, "door="+l.url)
	warm.Mode = Warm
	l.remove(t)
	s := start(t, &Options{Streams: []Stream{warm}})
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.StatusCode != 502 {
		t.Errorf("%s %s", got.Status, got.body)
	}
	l.list(t, 0)
	s.streams.Load().list[0].aged(time.Minute)
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.StatusCode != 200 {
		t.Errorf("back: %s %s", got.Status, got.body)
	}
}

// TestWarmAgain: a stream that is held open again, and has nothing new, still answers with
// the picture that is known.
func TestWarmAgain(t *testing.T) {
	t.Parallel()
	l := newListed(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.url)}})
	c := s.streams.Load().list[0]
	s.get(t, "/streams/door/snapshot.mp4")
	c.disconnect()
	c.aged(time.Minute)
	defer c.watch()()
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.Header.Get("X-Kfgrab-State") != "fresh" || got.Header.Get("Age") != "0" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
	if n := c.counted(); n.captures != 1 || n.unchanged != 1 {
		t.Errorf("%+v", n)
	}
}

// TestScheduled: pictures come without being asked for, and serve until the next.
func TestScheduled(t *testing.T) {
	t.Parallel()
	planned := stream(t, "door="+liveHLS(t))
	planned.Mode, planned.Schedule = Scheduled, Schedule{Every: time.Hour}
	s := start(t, &Options{Streams: []Stream{planned}})
	c := s.streams.Load().list[0]
	until(t, func() bool { return c.standing().picture == 1 })
	until(t, func() bool { return c.report(time.Now()).NextRefresh != "" })
	c.aged(time.Second * 10)
	if got := s.get(t, "/streams/door/snapshot.mp4"); got.Header.Get("X-Kfgrab-State") != "cached" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
	if got := s.get(t, "/streams/door/snapshot.mp4?max_age=1"); got.Header.Get("X-Kfgrab-State") != "fresh" {
		t.Errorf("%s %v", got.Status, got.Header)
	}
}
