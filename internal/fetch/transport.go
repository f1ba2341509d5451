package fetch

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/parallel"
)

const (
	// maxHeaderBytes of an answer: ten times what CDNs send.
	maxHeaderBytes = 64 << 10
	// maxIdle is how long a connection waits for the next grab; most servers
	// close it sooner.
	maxIdle = 2 * time.Minute
	// maxIdlePerHost is as many as read keyframes of several times at once; a single
	// grab has one.
	maxIdlePerHost = parallel.Max
	// streamWindow is how many bytes HTTP/2 may send ahead of the reader. All of them
	// are wasted if the server supports no ranges. At 150 ms of latency it carries 1.7
	// Mbit/s; but see protocols.
	streamWindow = 32 << 10
	// drainTime bounds the reading of the rest of an unwanted body, which is read to
	// keep a connection.
	drainTime = 100 * time.Millisecond
	// sessions of TLS kept for resumption: a stream has few hosts.
	sessions = 8
)

// dialer makes connections and knows the open ones, so that Close can end them all.
type dialer struct {
	connect func(ctx context.Context, network, address string) (net.Conn, error) // may be nil
	meter   *meter.Counter

	mu   sync.Mutex
	open map[*conn]struct{}
}

// conn is a counted connection beneath TLS.
type conn struct {
	net.Conn
	tcp    *net.TCPConn
	dialer *dialer
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	connect := d.connect
	if connect == nil {
		connect = new(net.Dialer).DialContext
	}

	raw, err := connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}

	c := &conn{Conn: raw, dialer: d}
	c.tcp, _ = raw.(*net.TCPConn)
	if d.meter != nil {
		c.Conn = d.meter.Conn(raw)
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[c] = struct{}{}
	return c, nil
}

func (c *conn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.open, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}

// boundReads lets reads take no more than drainTime until done is called.
func (c *conn) boundReads() (done func()) {
	c.SetReadDeadline(time.Now().Add(drainTime))
	return func() { c.SetReadDeadline(time.Time{}) }
}

// closeAll ends every connection, in use or not.
func (d *dialer) closeAll() {
	d.mu.Lock()
	var open []*conn
	for c := range d.open {
		open = append(open, c)
	}
	d.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// connOf returns the connection beneath TLS, nil if it is not ours.
func connOf(nc net.Conn) *conn {
	for {
		switch c := nc.(type) {
		case *conn:
			return c
		case *tls.Conn:
			nc = c.NetConn()
		default:
			return nil
		}
	}
}

// newTransport returns a transport that decodes nothing: ranges count encoded bytes.
func newTransport(d *dialer, secure *tls.Config, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            d.dial,
		OnProxyConnectResponse: proxyAnswer,
		DisableCompression:     true,
		TLSClientConfig:        secure.Clone(),
		IdleConnTimeout:        maxIdle,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: streamWindow},
	}
}
