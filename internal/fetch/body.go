package fetch

import (
	"io"
	"net"
)

const (
	// maxDrain is how much of an unwanted rest is read to keep a connection: it
	// is on its way already, because servers send that much ahead.
	maxDrain = 64 << 10

	// A server that sends more than requested sends as far ahead as the socket's
	// receive window allows. At 50 Mbit/s, 158 kB were wasted after 104 kB with the
	// kernel's own choice, 17 kB with this one, set when the answer's headers have
	// arrived. It grows with the bytes read, so that a long scan is not slow.
	minWindow = 16 << 10
	maxWindow = 1 << 20
	// loopbackWindow stands for minWindow on loopback, where segments have 64 kB:
	// a window that holds less than two of them stalls, each time for longer, and
	// 16 MB were not through after a minute.
	loopbackWindow = 160 << 10
	// smallRead keeps such a server from sending into our own buffers.
	smallRead = 8 << 10
)

// body is the answer being read: the bytes from at to end of the file. The reader may
// want fewer.
type body struct {
	r      io.Reader // charges the budget
	closer io.Closer
	at     int64 // offset of the next byte in the file
	end    int64 // -1 unknown
	conn   *conn // of HTTP/1, else nil

	overlong bool // there is more than was requested
	unsized  bool // a part whose length is known from its Content-Range alone
	window   int  // receive window that was set for this reason
}

func newBody(resp *response, b *budget, has span) *body {
	return &body{
		r: &budgetReader{resp.Body, b}, closer: resp.Body, conn: resp.conn,
		at: has.from, end: has.to,
	}
}

// leadsTo reports whether off comes in this body.
func (b *body) leadsTo(off int64) bool {
	return b.at <= off && (b.end < 0 || off < b.end)
}

// read reads once. At the end it returns io.EOF, with or after the last byte,
// or nil if the body goes on after it.
func (b *body) read(p []byte) (int, error) {
	if b.overlong {
		p = p[:min(len(p), smallRead)]
		b.widenWindow(int(min(b.at/4, maxWindow)))
	}
	n, err := b.r.Read(p)
	b.at += int64(n)
	if err == io.EOF && b.at < b.end {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// widenWindow sets the receive window, which grows in few steps. It is called before
// each read, because Linux forgets the window whenever it learns of larger packets.
func (b *body) widenWindow(size int) {
	if b.conn == nil || b.conn.tcp == nil {
		return
	}
	if b.window == 0 || size >= 2*b.window {
		b.window = max(size, leastWindow(b.conn.tcp.RemoteAddr()))
	}
	limitReceive(b.conn.tcp, b.window)
}

func leastWindow(server net.Addr) int {
	if a, ok := server.(*net.TCPAddr); ok && a.IP.IsLoopback() {
		return loopbackWindow
	}
	return minWindow
}

// isDrainable reports whether the rest is so small that reading it costs less than
// another connection.
func (b *body) isDrainable() bool {
	return b.conn != nil && b.end >= 0 && b.end-b.at <= maxDrain
}

// finishReading ends a body that was read up to end. A chunked one may have its last
// chunk still to come, without which the connection is lost. finishReading reports
// whether there is more after the end that its Content-Range names.
func (b *body) finishReading(err error) (surplus bool) {
	if err == nil && b.isDrainable() {
		defer b.conn.boundReads()()
		n, _ := b.r.Read(make([]byte, 1))
		surplus = b.unsized && n > 0
	}
	b.closer.Close()
	return surplus
}
