package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// listen has Run serve until the test ends; change may be nil.
func listen(t testing.TB, o *Options, change func(*Server)) *service {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	scheme, client := "http://", &http.Client{Transport: &http.Transport{}}
	if o.TLS != (TLS{}) {
		scheme = "https://"
	}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &service{s, scheme + l.Addr().String(), client}
}

func (s *service) address() string { return s.url[strings.Index(s.url, "://")+3:] }

// dial opens a raw connection.
func (s *service) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(servetest.Time))
	return conn
}

// TestSlowClients: slow clients are disconnected in every phase, and do not
// lock out others.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{}, func(s *Server) {
		s.times = times{header: 100 * time.Millisecond, read: 200 * time.Millisecond, write: time.Second, keepAlive: 100 * time.Millisecond}
	})
	for name, begin := range map[string]string{
		"nothing":     "",
		"half a line": "GET /stre",
		"no end":      "GET /streams HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"no body":     "POST /stream/cache/clear HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx",
		"no more":     "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	} {
		conn := s.dial(t)
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is still there", name)
		}
	}
	trickling := s.dial(t)
	go func() {
		for {
			if _, err := io.WriteString(trickling, "X-A: b\r\n"); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	io.WriteString(trickling, "GET /streams HTTP/1.1\r\n")
	if _, err := io.Copy(io.Discard, trickling); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("who sends header after header stays")
	}
}

// TestSlowReader: a client that does not read its answer is disconnected.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{Streams: []Stream{stream(t, "door="+servetest.LiveHLS(t))}}, func(s *Server) { s.times.write = 200 * time.Millisecond })
	conn := s.dial(t)
	requests := strings.Repeat("GET /streams/door/snapshot.png?max_age=3600 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 2000)
	go io.WriteString(conn, requests) // more pictures than the system's buffers hold
	servetest.Until(t, func() bool { return s.endpoint.countConnections() == 1 })
	servetest.Until(t, func() bool { return s.endpoint.countConnections() == 0 })
	if c := s.streams.Load().list[0].Status().counts; c.captures == 0 {
		t.Errorf("%+v", c)
	}
}

// TestHeaderSize: oversized headers are refused.
func TestHeaderSize(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{}, nil)
	for _, test := range []struct {
		request string
		good    bool
	}{
		{"GET /streams HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + strings.Repeat("x", 8<<10) + "\r\n", true},
		{"GET /streams HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + strings.Repeat("x", 64<<10) + "\r\n", false},
		{"GET /streams HTTP/1.1\r\nHost: 127.0.0.1\r\n" + strings.Repeat("A: b\r\n", 10_000), false},
		{"GET /streams?" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n", false},
	} {
		conn := s.dial(t)
		io.WriteString(conn, test.request+"Connection: close\r\n\r\n") // the server may have gone
		answer, err := io.ReadAll(conn)
		switch {
		case test.good && !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")):
			t.Errorf("%.60q: %.100s %v", test.request, answer, err)
		case !test.good && err == nil && !bytes.HasPrefix(answer, []byte("HTTP/1.1 431")): // or it is reset
			t.Errorf("%.60q: %.100s", test.request, answer)
		}
	}
}

// TestRawRequests: requests that no client sends are refused, or mean what they
// say.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{Streams: []Stream{stream(t, "door=http://127.0.0.1:1/")}}, nil)
	for request, want := range map[string]string{
		"GET /streams/../../etc/passwd HTTP/1.1\r\nHost: a\r\n":                                       "421",
		"GET /streams/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n":                               "307", // to /etc/passwd, which is not found
		"GET /streams/..%2f..%2fetc%2fpasswd/snapshot.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n":            "404",
		"GET /streams/%2e%2e/%2e%2e/snapshot.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n":                     "404",
		"GET /streams/%00/snapshot.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n":                               "404",
		"GET /streams/" + strings.Repeat("a", 8000) + "/snapshot.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n": "404",
		"GET /streams/door/snapshot.exe HTTP/1.1\r\nHost: 127.0.0.1\r\n":                              "404",
		"GET /streams/door/snapshot.jpg?width=99999999999999999999 HTTP/1.1\r\nHost: 127.0.0.1\r\n":   "400",
		"GET /streams/door/snapshot.jpg?width=-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n":                     "400",
		"GET /streams HTTP/1.1\r\n":                                                                          "400", // no Host
		"GET /streams HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n":                                         "400",
		"GET /streams HTTP/1.1\r\nHost : 127.0.0.1\r\n":                                                      "400",
		"POST /stream/cache/clear HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n": "400",
		"POST /stream/cache/clear HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked, identity\r\n":   "501",
		"GET http://evil.example.com/streams HTTP/1.1\r\nHost: 127.0.0.1\r\n":                                "421", // what the line says counts (RFC 9112 3.2.2)
		"CONNECT evil.example.com:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n":                                       "421",
		"CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n":                                              "405",
		"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n":                                                          "200",
		"TRACE /streams HTTP/1.1\r\nHost: 127.0.0.1\r\n":                                                     "405",
	} {
		conn := s.dial(t)
		io.WriteString(conn, request+"Connection: close\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if status := strings.Fields(string(answer) + " - -")[1]; err != nil || status != want {
			t.Errorf("%.100q: %s, want %s: %.300s %v", request, status, want, answer, err)
		}
		if bytes.Contains(answer, []byte("root:")) {
			t.Errorf("%q: %s", request, answer)
		}
	}
}
