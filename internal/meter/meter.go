// Package meter counts the bytes that cross sockets. It is internal to kfgrab.
//
// Call [Counter.Conn] on every connection that a dialer returns. It counts what the
// socket carries, with request and response headers and TLS records, and without TCP,
// UDP and IP headers.
package meter

import (
	"net"
	"sync/atomic"
)

// Counter adds up bytes and requests. The zero value is ready; it is safe for
// concurrent use.
type Counter struct {
	down, up, requests atomic.Int64
}

// Reading is a Counter's state at one moment.
type Reading struct {
	Down, Up int64 // bytes received and sent
	Requests int   // requests or round trips begun
}

// Read returns the totals since the Counter was made.
func (c *Counter) Read() Reading {
	return Reading{Down: c.down.Load(), Up: c.up.Load(), Requests: int(c.requests.Load())}
}

// Sub returns what was added between the earlier reading s and r.
func (r Reading) Sub(s Reading) Reading {
	return Reading{Down: r.Down - s.Down, Up: r.Up - s.Up, Requests: r.Requests - s.Requests}
}

// AddRequest counts one request.
func (c *Counter) AddRequest() { c.requests.Add(1) }

// AddDown counts n bytes received other than through a Conn: datagrams, or a
// local file.
func (c *Counter) AddDown(n int) { c.down.Add(int64(n)) }

// Conn returns conn with its traffic counted.
func (c *Counter) Conn(conn net.Conn) net.Conn { return &countedConn{Conn: conn, counter: c} }

type countedConn struct {
	net.Conn
	counter *Counter
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.counter.down.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.counter.up.Add(int64(n))
	return n, err
}
