package serve

import (
	"bufio"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// event reads the next event's name and data.
func event(t testing.TB, r *bufio.Reader) (name string, report eventReport) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "event: "); ok {
			name = text
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(data), &report); err != nil {
				t.Fatal(err)
			}
			return name, report
		}
	}
}

// TestEvents: pictures, failures and recoveries are reported, and cause no
// grabs.
func TestEvents(t *testing.T) {
	t.Parallel()
	l := servetest.NewPlaylist(t)
	s := start(t, &Options{Streams: []Stream{stream(t, "door="+l.URL), stream(t, "other="+servetest.LiveHLS(t))}})
	c := s.streams.Load().list[0]
	one, all := s.open(t, "/streams/door/events"), s.open(t, "/events")
	if one.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(one.Header)
	}
	readers := []*bufio.Reader{bufio.NewReader(one.Body), bufio.NewReader(all.Body)}
	expect := func(want string) {
		t.Helper()
		for _, r := range readers {
			name, report := event(t, r)
			if name != want || report.Stream != "door" || (name == "failure") != (report.Failure != nil) || (name == "failure") != (report.Picture == nil) {
				t.Errorf("%s %+v, want %s", name, report, want)
			}
		}
	}
	if c.Status().counts.grabs != 0 {
		t.Error("a grab for who listens")
	}
	s.get(t, "/streams/door/snapshot.mp4")
	expect("picture")
	l.Remove(t)
	c.aged(time.Minute)
	s.get(t, "/streams/door/snapshot.mp4")
	expect("failure")
	l.List(t, 1)
	c.aged(time.Minute)
	s.get(t, "/streams/door/snapshot.mp4")
	expect("picture")
	expect("recovery")
	late := bufio.NewReader(s.open(t, "/events").Body)
	if name, _ := event(t, late); name != "picture" {
		t.Errorf("how it stands: %s", name)
	}
}

// TestListenerForgets: a listener does not hold a stream that was replaced.
func TestListenerForgets(t *testing.T) {
	stays, goes := newCamera(&workshop{}, &Stream{}, newCache(0)), newCamera(&workshop{}, &Stream{}, newCache(0))
	l := &listener{w: httptest.NewRecorder(), sent: map[*camera]standing{}}
	l.reportAll([]*camera{stays, goes})
	l.reportAll([]*camera{stays})
	if _, ok := l.sent[stays]; !ok || len(l.sent) != 1 {
		t.Errorf("%d are held", len(l.sent))
	}
}
