package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// TestRate: each address has its requests, whatever its headers say.
func TestRate(t *testing.T) {
	s := start(t, &Options{Guard: Guard{Rate: Rate{PerSecond: 1, Burst: 5}}})
	limited := 0
	for i := range 20 {
		got := s.get(t, "/streams", "X-Forwarded-For", fmt.Sprint("192.0.2.", i), "Forwarded", fmt.Sprint("for=192.0.2.", i), "X-Real-IP", fmt.Sprint("192.0.2.", i))
		switch {
		case got.StatusCode == 429 && got.Header.Get("Retry-After") == "1":
			limited++
		case got.StatusCode != 200:
			t.Error(got.Status, got.Header)
		}
	}
	if limited == 0 {
		t.Error("none was refused")
	}
	if got := s.get(t, "/healthz"); got.StatusCode != 200 {
		t.Errorf("a probe: %s", got.Status)
	}
}

// TestLimiter: one client's rate does not affect others, and a bounded number
// is known.
func TestLimiter(t *testing.T) {
	l := newLimiter(Rate{PerSecond: 1})
	from := func(remote string) bool { return l.allow(&http.Request{RemoteAddr: remote}) }
	if !from("192.0.2.1:1") || from("192.0.2.1:2") || !from("192.0.2.2:1") || from("[::ffff:192.0.2.2]:1") {
		t.Error("addresses of IPv4 are mixed up")
	}
	if !from("[2001:db8::1]:1") || from("[2001:db8::2]:1") || !from("[2001:db8:0:1::1]:1") {
		t.Error("networks of IPv6 are mixed up")
	}
	for i := range 2 * maxClients {
		from(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1).String())
	}
	if n := l.byClient.Len(); n != maxClients {
		t.Errorf("%d clients", n)
	}
	if clientPrefix("@").IsValid() {
		t.Error("a socket without an address has one")
	}
}

// TestConnections: connections are bounded, and further ones wait.
func TestConnections(t *testing.T) {
	t.Parallel()
	s := listen(t, &Options{Connections: 3}, nil)
	var held []net.Conn
	for range 3 {
		held = append(held, s.dial(t))
	}
	servetest.Until(t, func() bool { return s.endpoint.countConnections() == 3 })
	late := s.dial(t)
	io.WriteString(late, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
	held[0].Close()
	if answer, err := io.ReadAll(late); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
		t.Errorf("%s %v", answer, err)
	}
}

// strangers is a listener whose connections come from given addresses.
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

func (s *strangers) Close() error { s.once.Do(func() { close(s.closed) }); return nil }

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

// TestConnectionsOfOne: no client can take all connections.
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
	if len(b.byClient) != 0 {
		t.Errorf("%v are remembered", b.byClient)
	}
}
