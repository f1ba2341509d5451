package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/config"
	"github.com/kfgrab/kfgrab/internal/nginx"
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
	if o.TLS != (config.TLS{}) {
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

// dial opens a connection that sends what it is told.
func (s *service) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testTime))
	return conn
}

// TestSlowClients: who takes its time is hung up on, in every phase, and does not keep
// others out.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{}, func(s *Server) {
		s.times = times{header: 100 * time.Millisecond, read: 200 * time.Millisecond, write: time.Second, idle: 100 * time.Millisecond}
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

// TestSlowReader: who asks and does not take what it gets is hung up on.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{Streams: []config.Stream{stream(t, "door="+liveHLS(t))}}, func(s *Server) { s.times.write = 200 * time.Millisecond })
	conn := s.dial(t)
	requests := strings.Repeat("GET /streams/door/snapshot.png?max_age=3600 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 2000)
	go io.WriteString(conn, requests) // more than the system's buffers take the pictures of
	until(t, func() bool { return s.connections() == 1 })
	until(t, func() bool { return s.connections() == 0 })
	if c := s.streams.Load().list[0].counted(); c.captures == 0 {
		t.Errorf("%+v", c)
	}
}

// TestHeaderSize: headers beyond all need are refused.
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

// TestRawRequests: what no client of HTTP sends is refused, or means what it says.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{Streams: []config.Stream{stream(t, "door=http://127.0.0.1:1/")}}, nil)
	for request, want := range map[string]string{
		"GET /streams/../../etc/passwd HTTP/1.1\r\nHost: a\r\n":                                       "421",
		"GET /streams/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n":                               "307", // to /etc/passwd, which there is not
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

// TestConnections: there are so many at most, and those that are too many wait.
func TestConnections(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{Connections: 3}, nil)
	var held []net.Conn
	for range 3 {
		held = append(held, s.dial(t))
	}
	until(t, func() bool { return s.connections() == 3 })
	late := s.dial(t)
	io.WriteString(late, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
	held[0].Close()
	if answer, err := io.ReadAll(late); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
		t.Errorf("%s %v", answer, err)
	}
}

// strangers is a listener whose connections come from wherever it is told.
type strangers struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (s *strangers) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}
func (s *strangers) Close() error   { s.once.Do(func() { close(s.closed) }); return nil }
func (s *strangers) Addr() net.Addr { return &net.TCPAddr{} }

type stranger struct {
	net.Conn
	from string
}

func (s *stranger) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", s.from)
	if err != nil {
		panic(err)
	}
	return a
}

// TestConnectionsOfOne: nobody alone has them all.
func TestConnectionsOfOne(t *testing.T) {
	s := &strangers{conns: make(chan net.Conn), closed: make(chan struct{})}
	b := newBoundedListener(s, 4)
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := b.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	come := func(from string) net.Conn {
		here, there := net.Pipe()
		t.Cleanup(func() { there.Close() })
		s.conns <- &stranger{here, from}
		return there
	}
	come("192.0.2.1:1")
	first := <-accepted
	come("192.0.2.1:2")
	second := <-accepted
	refused := come("192.0.2.1:3")
	if _, err := refused.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one too many of one client: %v", err)
	}
	come("192.0.2.2:1")
	third := <-accepted
	first.Close()
	first.Close() // gives one place back
	come("192.0.2.1:4")
	fourth := <-accepted
	if n := len(b.places); n > 4 {
		t.Errorf("%d places", n)
	}
	for _, c := range []net.Conn{second, third, fourth} {
		c.Close()
	}
	b.Close()
	b.Close()
	if _, open := <-accepted; open {
		t.Error("there is one more")
	}
	if len(b.of) != 0 {
		t.Errorf("%v are remembered", b.of)
	}
}

// pair writes a certificate and its key.
func pair(t *testing.T, paths config.TLS) *x509.CertPool {
	t.Helper()
	roots, err := nginx.SelfSigned(paths.Cert, paths.Key, net.IPv4(127, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	return roots
}

// trusted says whether a new connection is shown the certificate of roots.
func (s *service) trusted(roots *x509.CertPool) bool {
	conn, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: roots})
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// TestTLS: HTTP/2 over a certificate that is read again when it changes; one that makes no
// sense leaves the old one.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := config.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if _, err := New(&Options{TLS: paths}); err == nil {
		t.Error("there are no files")
	}
	roots := pair(t, paths)
	var log sharedText
	s := listen(t, &Options{TLS: paths, Logger: textLogger(&log)}, nil)
	s.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	s.client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	if got := s.get(t, "/streams"); got.StatusCode != 200 || got.ProtoMajor != 2 {
		t.Errorf("%s %s", got.Proto, got.Status)
	}
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: version})
		if err == nil {
			conn.Close()
		}
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	if res, err := http.Get("http://" + s.address() + "/streams"); err == nil {
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("without TLS: %s", res.Status)
		}
	}
	second := pair(t, paths)
	until(t, func() bool { return s.trusted(second) })
	if err := os.WriteFile(paths.Key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return s.trusted(second) && strings.Contains(log.String(), "stays as it was") })
	os.Remove(paths.Key)
	third := pair(t, paths)
	until(t, func() bool { return s.trusted(third) })
}

// TestRapidReset: streams of HTTP/2 that are given up at once are not worked on without
// bounds (CVE-2023-44487).
func TestRapidReset(t *testing.T) {
	t.Parallel()
	h := hang(t)
	dir := t.TempDir()
	paths := config.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	roots := pair(t, paths)
	s := listen(t, &Options{TLS: paths, Streams: []config.Stream{stream(t, "door="+h.URL)}}, nil)
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/streams/door/snapshot.jpg", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if res, err := s.client.Do(r); err == nil {
				res.Body.Close()
			}
		})
	}
	all.Wait()
	if got := s.get(t, "/streams"); got.StatusCode != 200 {
		t.Errorf("others: %s", got.Status)
	}
	c := s.streams.Load().list[0]
	until(t, func() bool { return c.grabs.waiters(struct{}{}) == 0 })
}
