package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// TestSet: streams can be added, removed and changed; the others are left
// alone.
func TestSet(t *testing.T) {
	t.Parallel()
	same, changes, goes := stream(t, "same="+servetest.LiveHLS(t)), stream(t, "changes="+servetest.LiveHLS(t)), stream(t, "goes="+servetest.LiveHLS(t))
	s := start(t, &Options{Streams: []Stream{same, changes, goes}})
	for _, name := range []string{"same", "changes", "goes"} {
		s.get(t, "/streams/"+name+"/snapshot.jpg?width=160")
	}
	watched := s.open(t, "/streams/goes/mjpeg?width=160")
	changes.TTL = time.Minute
	if err := s.Set([]Stream{stream(t, "comes="+servetest.LiveHLS(t)), changes, same}); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, watched.Body) // until it ends
	for path, want := range map[string]string{"same": "cached", "changes": "fresh", "comes": "fresh", "goes": ""} {
		if got := s.get(t, "/streams/"+path+"/snapshot.jpg?width=160&max_age=3600"); got.Header.Get("X-Kfgrab-State") != want {
			t.Errorf("%s: %s %v", path, got.Status, got.Header)
		}
	}
	if err := s.Set([]Stream{same, same}); err == nil || len(s.streams.Load().list) != 3 {
		t.Errorf("two of one name: %v", err)
	}
}

// TestRun: a shutdown disconnects viewers, finishes answers and leaves nothing
// behind.
func TestRun(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, err := New(&Options{Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t))}, Logger: textLogger(&log)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	web := &service{s, "http://" + l.Addr().String(), &http.Client{Transport: &http.Transport{}}}
	defer web.client.CloseIdleConnections()
	watched, heard := web.open(t, "/streams/door/mjpeg?width=160&secret=geheim"), web.open(t, "/events")
	next(t, parts(t, watched))
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	io.Copy(io.Discard, watched.Body)
	io.Copy(io.Discard, heard.Body)
	if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "/streams/door/mjpeg") || strings.Contains(text, "geheim") {
		t.Errorf("log: %s", text)
	}
}

// TestMode: modes are read as they print, and New refuses others.
func TestMode(t *testing.T) {
	t.Parallel()
	for _, name := range modeNames {
		var m Mode
		if err := m.UnmarshalText([]byte(name)); err != nil || m.String() != name {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if text := Mode(99).String(); text != "Mode(99)" {
		t.Error(text)
	}
	for name, s := range map[string]Stream{
		"mode":             {Name: "door", URL: "http://127.0.0.1:1/", Mode: 99},
		"no name":          {URL: "http://127.0.0.1:1/"},
		"no schedule":      {Name: "door", URL: "http://127.0.0.1:1/", Mode: Scheduled},
		"schedule":         {Name: "door", URL: "http://127.0.0.1:1/", Schedule: Schedule{Cron: "often"}},
		"negative timeout": {Name: "door", URL: "http://127.0.0.1:1/", Timeout: -1},
	} {
		if _, err := New(&Options{Streams: []Stream{s}}); !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
