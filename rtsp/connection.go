package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"github.com/kfgrab/kfgrab/internal/proxy"
	"github.com/kfgrab/kfgrab/internal/tlspin"
)

// dial opens the connection that gortsplib sees: a filter on a connection or a
// tunnel, primed if an earlier grab knows the server.
//
// gortsplib has tunnels of its own, but a filter fits only below RTSP and above them.
func (s *session) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.openTunnel(ctx, network, address)
	if err != nil {
		return nil, err
	}

	filtered := newFilter(conn, s.login, s.noteRepeat, s.takePacket)
	if s.known == nil {
		return filtered, nil
	}
	return newPrimedConn(filtered, s.known.public), nil
}

// noteRepeat counts a request that the filter sends once more.
func (s *session) noteRepeat() {
	s.talk.addRoundTrip()
	s.meter.AddRequest()
}

// takePacket looks at a packet before gortsplib does, and repairs it unless it is
// encrypted: then a changed one is a forgery.
func (s *session) takePacket(b []byte) []byte {
	if !isRTP(b) {
		return b
	}
	v := s.talk.notePacket(payloadTypeOf(b))
	if v == nil || v.encrypted {
		return b
	}
	return repairPacket(b, v)
}

// dialHop makes a TCP connection, with TLS in it if the URL says so, and counts the
// bytes that cross the socket.
func (s *session) dialHop(ctx context.Context, network, address string) (net.Conn, error) {
	dial := s.dialCounted
	if s.opt.Proxy != nil {
		dial = s.dialProxy
	}
	conn, err := dial(ctx, network, address)
	if err != nil || s.url.Scheme != "rtsps" {
		return conn, err
	}
	return s.secure(ctx, conn, network, address)
}

func (s *session) dialCounted(ctx context.Context, network, address string) (net.Conn, error) {
	s.talk.addRoundTrip()
	conn, err := s.opt.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return s.meter.Conn(conn), nil
}

// dialProxy connects through the proxy, for at least one more round trip.
func (s *session) dialProxy(ctx context.Context, network, address string) (net.Conn, error) {
	s.talk.addRoundTrip()
	d := &proxy.Dialer{
		URL: s.opt.Proxy, Dial: s.dialCounted,
		TLS: &tls.Config{RootCAs: s.opt.RootCAs, InsecureSkipVerify: s.opt.InsecureTLS},
	}
	conn, err := d.DialContext(ctx, network, address)

	var refusal *proxy.StatusError
	if errors.As(err, &refusal) {
		hint := "the proxy makes no connection to the server"
		if refusal.Code == http.StatusProxyAuthRequired {
			hint = "give the proxy's user and password in its URL"
		}
		return nil, s.statusError(http.MethodConnect, refusal.Code, http.StatusText(refusal.Code), hint)
	}
	return conn, err
}

// secure shakes hands within ctx. gortsplib leaves the handshake to the first
// request, where a mute server holds it up for long (TestMute).
func (s *session) secure(ctx context.Context, conn net.Conn, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	config := &tls.Config{
		ServerName: host, RootCAs: s.opt.RootCAs,
		InsecureSkipVerify: s.opt.InsecureTLS, // the user's explicit wish
	}
	tlspin.Apply(config, s.opt.TLSFingerprint)

	secure := tls.Client(conn, config)
	s.talk.addRoundTrip()
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &net.OpError{Op: "TLS handshake", Net: network, Addr: conn.RemoteAddr(), Err: err}
	}
	return secure, nil
}

// receiveBuffer holds a large keyframe that comes at once. The system may give
// less.
const receiveBuffer = 2 << 20

func (s *session) listenPacket(network, address string) (net.PacketConn, error) {
	conn, err := net.ListenPacket(network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		udp.SetReadBuffer(receiveBuffer) //nolint:errcheck // see receiveBuffer
		return &datagramConn{udp, s.takePacket}, err
	}
	return conn, err
}

// datagramConn is the counterpart of filter for datagrams.
type datagramConn struct {
	*net.UDPConn
	repair func([]byte) []byte
}

// ReadFrom returns a datagram, repaired.
func (c *datagramConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.UDPConn.ReadFrom(p)
	return len(c.repair(p[:n])), from, err
}

// countDatagrams adds the UDP bytes since the last call to the meter, as gortsplib
// counts them: it accepts no socket except its own (TestGStreamerTransports).
func (s *session) countDatagrams() {
	if s.transport != UDP && s.transport != Multicast {
		return
	}
	if total := int64(s.client.Stats().Session.InboundBytes); total > s.datagramBytes {
		s.meter.AddDown(int(total - s.datagramBytes))
		s.datagramBytes = total
	}
}

// primedConn answers OPTIONS from memory. gortsplib begins each connection with
// OPTIONS, which costs a round trip for an answer that an earlier grab has seen
// (TestSecondGrab).
type primedConn struct {
	net.Conn
	public string // the methods that the server listed

	replies chan []byte   // to OPTIONS
	rest    []byte        // of the reply being read
	passed  chan struct{} // closed when something else was sent
	closed  chan struct{}
	once    struct{ pass, close sync.Once }
}

func newPrimedConn(conn net.Conn, public string) *primedConn {
	return &primedConn{
		Conn: conn, public: public,
		replies: make(chan []byte, 1), passed: make(chan struct{}), closed: make(chan struct{}),
	}
}

// Write answers a leading OPTIONS, and sends everything else.
func (c *primedConn) Write(b []byte) (int, error) {
	select {
	case <-c.passed:
		return c.Conn.Write(b)
	default:
	}

	if cseq, found := strings.CutPrefix(string(b), string(base.Options)+" "); found {
		_, cseq, _ = strings.Cut(cseq, "CSeq: ")
		cseq, _, _ = strings.Cut(cseq, "\r\n")
		c.replies <- fmt.Appendf(nil, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nPublic: %s\r\n\r\n", cseq, c.public)
		return len(b), nil
	}
	c.once.pass.Do(func() { close(c.passed) })
	return c.Conn.Write(b)
}

// Read returns the reply, and then what the server sends.
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
