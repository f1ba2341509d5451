package rtsp

import (
	"bytes"
	"fmt"
	"net"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
)

// primedConn answers OPTIONS from memory. gortsplib begins each connection with
// it, and shows credentials only after it was asked for them: a round trip for
// either, for answers that an earlier grab has had.
type primedConn struct {
	net.Conn
	known *memory

	replies chan []byte   // to OPTIONS, the rest of one first
	passed  chan struct{} // closed when something else was sent
	closed  chan struct{}
	once    struct{ pass, close sync.Once }
	rest    []byte
}

// primed says whether this session's connection answers OPTIONS itself. Within a
// tunnel it cannot.
func (s *session) primed() bool { return s.known != nil && s.client.Tunnel == gortsplib.TunnelNone }

func (s *session) prime(conn net.Conn) net.Conn {
	if !s.primed() {
		return conn
	}
	return &primedConn{
		Conn: conn, known: s.known,
		replies: make(chan []byte, 2), passed: make(chan struct{}), closed: make(chan struct{}),
	}
}

func (c *primedConn) Write(b []byte) (int, error) {
	if reply := c.reply(b); reply != nil {
		c.replies <- reply
		return len(b), nil
	}
	c.once.pass.Do(func() { close(c.passed) })
	return c.Conn.Write(b)
}

// reply makes the answer to a request, nil where that is the server's.
func (c *primedConn) reply(request []byte) []byte {
	if !bytes.HasPrefix(request, []byte(base.Options+" ")) || isClosed(c.passed) {
		return nil
	}
	cseq := field(request, "CSeq")
	if c.known.basic != "" && field(request, "Authorization") == "" {
		return fmt.Appendf(nil, "RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\nWWW-Authenticate: %s\r\n\r\n", cseq, c.known.basic)
	}
	return fmt.Appendf(nil, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nPublic: %s\r\n\r\n", cseq, c.known.public)
}

// field finds a header field's value in a message.
func field(message []byte, name string) string {
	for line := range bytes.Lines(message) {
		if n, v, found := bytes.Cut(line, []byte(":")); found && string(n) == name {
			return string(bytes.TrimSpace(v))
		}
	}
	return ""
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Read gives the replies, and then what the server sends.
func (c *primedConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		select {
		case c.rest = <-c.replies:
		case <-c.passed:
			return c.Conn.Read(p)
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *primedConn) Close() error {
	c.once.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// basicOf returns the challenge to authenticate by password in plain text, where
// that is all that the server asks for. Digest needs a number that is the
// connection's own (GStreamer and MediaMTX refuse that of another).
func basicOf(challenges []string) string {
	basic := ""
	for _, c := range challenges {
		var h headers.Authenticate
		switch err := h.Unmarshal(base.HeaderValue{c}); {
		case err != nil:
		case h.Method == headers.AuthMethodBasic:
			basic = c
		default:
			return ""
		}
	}
	return basic
}
