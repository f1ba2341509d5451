package serve

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/filestamp"
)

// DefaultConnections serves a thousand viewers, whose browsers open several
// connections each.
const DefaultConnections = 4096

// endpoint is where Server.Run accepts connections.
type endpoint struct {
	most        int
	certificate *certificate // nil without TLS
	listener    atomic.Pointer[boundedListener]
}

// serve serves l until web is shut down.
func (e *endpoint) serve(web *http.Server, l net.Listener) error {
	bounded := newBoundedListener(l, cmp.Or(e.most, DefaultConnections))
	e.listener.Store(bounded)
	if e.certificate == nil {
		return web.Serve(bounded)
	}
	web.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS12, // browsers have had it since 2013
		GetCertificate: e.certificate.get,
	}
	return web.ServeTLS(bounded, "", "")
}

// countConnections returns the number of open connections.
func (e *endpoint) countConnections() int {
	if l := e.listener.Load(); l != nil {
		return l.countOpen()
	}
	return 0
}

// boundedListener accepts a bounded number of connections, at most half of them
// from one client, so that a single client cannot keep the others out. That
// share does not apply to this machine's own connections.
type boundedListener struct {
	net.Listener
	places chan struct{} // holds a value for each connection, and for the next
	closed chan struct{}
	close  func() error

	mu       sync.Mutex
	byClient map[netip.Prefix]int
	open     int
}

func newBoundedListener(l net.Listener, most int) *boundedListener {
	b := &boundedListener{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{}), byClient: map[netip.Prefix]int{}}
	b.close = sync.OnceValue(func() error {
		close(b.closed)
		return l.Close()
	})
	return b
}

// Accept waits for a free place, then for a connection.
func (b *boundedListener) Accept() (net.Conn, error) {
	for {
		select {
		case b.places <- struct{}{}:
		case <-b.closed:
			return nil, net.ErrClosed
		}

		conn, err := b.Listener.Accept()
		if err != nil {
			<-b.places
			return nil, err
		}

		client := clientPrefix(conn.RemoteAddr().String())
		if !b.addConnection(client) {
			conn.Close()
			<-b.places
			continue
		}
		return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { b.removeConnection(client) })}, nil
	}
}

// Close ends a waiting Accept.
func (b *boundedListener) Close() error { return b.close() }

// addConnection reports whether the client may have another connection.
func (b *boundedListener) addConnection(client netip.Prefix) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !client.Addr().IsLoopback() && b.byClient[client] >= max(1, cap(b.places)/2) {
		return false
	}
	b.byClient[client]++
	b.open++
	return true
}

func (b *boundedListener) removeConnection(client netip.Prefix) {
	b.mu.Lock()
	b.open--
	b.byClient[client]--
	if b.byClient[client] == 0 {
		delete(b.byClient, client)
	}
	b.mu.Unlock()
	<-b.places
}

func (b *boundedListener) countOpen() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// boundedConn frees its place when it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// checkEvery is how often new connections cause a look at the files of a
// certificate, which takes two stats.
const checkEvery = time.Second

// certificate is a pair of PEM files, read again after a change.
type certificate struct {
	paths TLS
	log   *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	checked time.Time
	stamps  [2]filestamp.Stamp // as of the last attempt to read them
}

// newCertificate reads the files. The error wraps kfgrab.ErrUsage.
func newCertificate(paths TLS, log *slog.Logger) (*certificate, error) {
	c := &certificate{paths: paths, log: log, checked: time.Now(), stamps: stampPair(paths)}
	pair, err := tls.LoadX509KeyPair(paths.Cert, paths.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: TLS: %w", kfgrab.ErrUsage, err)
	}
	c.pair = &pair
	return c, nil
}

func stampPair(paths TLS) [2]filestamp.Stamp {
	return [2]filestamp.Stamp{filestamp.Of(paths.Cert), filestamp.Of(paths.Key)}
}

// get returns the certificate in the files. While they are invalid, as they are
// after only one of them has been replaced, it returns the last valid one.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.checked) < checkEvery {
		return c.pair, nil
	}

	c.checked = now
	stamps := stampPair(c.paths)
	if stamps == c.stamps {
		return c.pair, nil
	}

	c.stamps = stamps
	pair, err := tls.LoadX509KeyPair(c.paths.Cert, c.paths.Key)
	if err != nil {
		c.log.Error("the TLS certificate stays as it was", "error", err.Error())
		return c.pair, nil
	}
	c.pair = &pair
	c.log.Info("TLS certificate read", "file", c.paths.Cert, "until", c.pair.Leaf.NotAfter)
	return c.pair, nil
}
