package fetch

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/kfgrab/kfgrab/internal/nginx"
)

// tiring serves the body "hello" once per connection, answers the next request
// with last, and then resets the connection. requests counts all requests.
func tiring(t *testing.T, last string, requests *atomic.Int32) *url.URL {
	t.Helper()
	return listen(t, func(c net.Conn) {
		requests.Add(1)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			return
		}
		requests.Add(1)
		io.WriteString(c, last)
		c.(*net.TCPConn).SetLinger(0)
	})
}

// TestKeptConnectionBreaks: if a kept connection breaks before the body begins,
// the request is sent again. Once the body has begun, the grab fails.
func TestKeptConnectionBreaks(t *testing.T) {
	for _, c := range []struct {
		name, last string
		requests   int32
		fails      bool
	}{
		{"without a word", "", 3, false},
		{"within the header", "HTTP/1.1 200 OK\r\nContent-Le", 3, false},
		{"after the header", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 3, false},
		{"after the header, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 3, false},
		{"after a byte", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh", 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, again := range map[string]func(cl *Client, u *url.URL) ([]byte, error){
				"document": func(cl *Client, u *url.URL) ([]byte, error) {
					d, err := cl.Get(within(t, testTime), u, 100)
					if err != nil {
						return nil, err
					}
					return d.Body, nil
				},
				"media": func(cl *Client, u *url.URL) ([]byte, error) {
					r := cl.Open(within(t, testTime), u, Range{})
					defer r.Close()
					return io.ReadAll(r)
				},
			} {
				var requests atomic.Int32
				u := tiring(t, c.last, &requests)
				cl := client(t, u, nil)
				if _, err := cl.Get(within(t, testTime), u, 100); err != nil {
					t.Fatal(err)
				}
				cl.StartJob()
				b, err := again(cl, u)
				if (err != nil) != c.fails || err == nil && string(b) != "hello" {
					t.Errorf("%s: %q, %v", name, b, err)
				}
				if err != nil && strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%s: %v", name, err)
				}
				if n := requests.Load(); n != c.requests {
					t.Errorf("%s: %d requests, want %d", name, n, c.requests)
				}
				if spent := DefaultMaxBytes - cl.Left(); err == nil && spent != 5 {
					t.Errorf("%s: %d bytes charged", name, spent)
				}
			}
		})
	}
}

// TestKeptConnectionBreaksAgain: a server that breaks every connection is asked
// twice, not for ever.
func TestKeptConnectionBreaksAgain(t *testing.T) {
	var requests atomic.Int32
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) > 1 {
			w.Header().Set("Content-Length", "5")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "hello")
	})
	c := client(t, u, nil)
	if _, err := c.Get(within(t, testTime), u, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(within(t, testTime), u, 100); err == nil || requests.Load() != 3 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}

// TestKeptStreamReset: an HTTP/2 stream that is reset, before the answer or
// after its header, is requested again.
func TestKeptStreamReset(t *testing.T) {
	for _, header := range []bool{false, true} {
		var requests atomic.Int32
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 2 {
				if header {
					w.(http.Flusher).Flush()
				}
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, r.Proto)
		}))
		s.Config.ErrorLog = quiet
		s.EnableHTTP2 = true
		s.StartTLS()
		t.Cleanup(s.Close)
		u := parse(t, s.URL)
		c := client(t, u, &Options{InsecureTLS: true})
		c.transport.insisting.Store(originOf(u), true)
		for range 2 {
			if d, err := c.Get(within(t, testTime), u, 100); err != nil || string(d.Body) != "HTTP/2.0" {
				t.Errorf("header %v: %v", header, err)
			}
		}
		if n := requests.Load(); n != 3 {
			t.Errorf("header %v: %d requests", header, n)
		}
	}
}

// TestNginxEndsConnections: if nginx ends the connection after each answer
// (over HTTP/2 by GOAWAY), each further request costs a short handshake.
func TestNginxEndsConnections(t *testing.T) {
	forNginx(t, "keepalive_requests 1; add_header X-Session $ssl_session_reused;", func(t *testing.T, base string, connect connector) {
		u := parse(t, base+"/live.m3u8")
		c, _ := connect(u)
		var sessions []string
		for range 3 {
			d, err := c.Get(within(t, testTime), u, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, d.Header.Get("X-Session"))
		}
		if got := strings.Join(sessions, ""); u.Scheme == "https" && got != ".rr" {
			t.Errorf("TLS sessions %q, want the later ones resumed", got)
		}
	})
}

// TestNginxWorkerDies: a request survives the death of the nginx worker that
// holds the connection, for a document and for media.
func TestNginxWorkerDies(t *testing.T) {
	dir, segment, _ := files(t)
	home := t.TempDir()
	s, err := nginx.Start(nginx.Config{Root: dir, Dir: home})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { s.Close() })
	u := parse(t, "http://"+s.Addr+"/seg.ts")
	c := client(t, u, nil)
	for range 5 {
		if _, err := c.Get(within(t, testTime), u.JoinPath("../live.m3u8"), 1<<20); err != nil {
			t.Fatal(err)
		}
		killWorker(t, home)
		r := c.Open(within(t, testTime), u, Range{First: 1000})
		got := make([]byte, 1000)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, segment[:1000]) {
			t.Fatal(err)
		}
		r.Close()
		killWorker(t, home)
	}
}

// killWorker kills nginx's worker and returns once it is gone.
func killWorker(t *testing.T, home string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	master := strings.TrimSpace(string(text))
	text, err = os.ReadFile(fmt.Sprintf("/proc/%s/task/%s/children", master, master))
	if err != nil {
		t.Skip(err) // not Linux
	}
	for _, child := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			t.Fatal(err)
		}
		worker, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		worker.Kill()
		for ctx := within(t, testTime); worker.Signal(syscall.Signal(0)) == nil && ctx.Err() == nil; {
			runtime.Gosched()
		}
	}
}
