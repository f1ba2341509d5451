package kfgrab_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime is far more than any test needs.
const testTime = 20 * time.Second

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// grab takes a snapshot and fails the test if there is none.
func grab(t testing.TB, url string, o *kfgrab.Options) *kfgrab.Snapshot {
	t.Helper()
	snap, err := kfgrab.Grab(within(t, testTime), url, o)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// open opens a stream and closes it when the test ends.
func open(t testing.TB, url string, o *kfgrab.Options) *kfgrab.Stream {
	t.Helper()
	s, err := kfgrab.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func startOrigin(t testing.TB) *origin.Origin {
	t.Helper()
	testmedia.Make(t, "h264.ts") // skips if there is no ffmpeg
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// web is a server on loopback that counts the bytes on its sockets.
type web struct {
	*httptest.Server

	mu       sync.Mutex
	down, up int64 // from the client's point of view
	requests []string
	states   []http.ConnState
}

// serve serves the files under root, or h if it is not nil.
func serve(t testing.TB, root string, h http.Handler) *web {
	t.Helper()
	if h == nil {
		h = http.FileServer(http.Dir(root))
	}
	w := &web{}
	w.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
		w.mu.Unlock()
		h.ServeHTTP(rw, r)
	}))
	w.Listener = &countingListener{w.Listener, w}
	w.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.states = append(w.states, s)
	}
	w.Start()
	t.Cleanup(w.Close)
	return w
}

// count returns how many times connections entered state s.
func (w *web) count(s http.ConnState) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, state := range w.states {
		if state == s {
			n++
		}
	}
	return n
}

// took returns the requests and bytes since the last call.
func (w *web) took() (requests []string, down, up int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	requests, down, up = w.requests, w.down, w.up
	w.requests, w.down, w.up = nil, 0, 0
	return requests, down, up
}

type countingListener struct {
	net.Listener
	web *web
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, l.web}, err
}

type countingConn struct {
	net.Conn
	web *web
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.web.mu.Lock()
	defer c.web.mu.Unlock()
	c.web.up += int64(n)
	return n, err
}

// Write counts first, so that a client which has its answer finds it counted.
func (c *countingConn) Write(p []byte) (int, error) {
	c.web.mu.Lock()
	c.web.down += int64(len(p))
	c.web.mu.Unlock()
	return c.Conn.Write(p)
}
