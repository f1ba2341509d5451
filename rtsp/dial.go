package rtsp

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/bluenviron/gortsplib/v5"

	"github.com/kfgrab/kfgrab/internal/tlspin"
)

// dial connects, and counts what crosses the socket.
func (s *session) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.dialPlain(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return s.prime(conn), nil
}

// dialTLS connects and shakes hands, both within ctx: gortsplib's own way leaves
// the handshake to the first request, which a mute server holds up for long.
func (s *session) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.dialPlain(ctx, network, address)
	if err != nil {
		return nil, err
	}
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
	s.roundTrips.Add(1)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &net.OpError{Op: "TLS handshake", Net: network, Addr: conn.RemoteAddr(), Err: err}
	}
	return s.prime(secure), nil
}

func (s *session) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	s.roundTrips.Add(1)
	conn, err := s.opt.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if s.client.Tunnel != gortsplib.TunnelNone && !s.tunnelled {
		s.tunnelled = true
		s.roundTrips.Add(1) // the GET whose answer is waited for
	}
	return s.opt.Meter.Conn(conn), nil
}

// receiveBuffer holds a large keyframe that comes at once. The system may give
// less.
const receiveBuffer = 2 << 20

func listenPacket(network, address string) (net.PacketConn, error) {
	conn, err := net.ListenPacket(network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		udp.SetReadBuffer(receiveBuffer) //nolint:errcheck // see receiveBuffer
	}
	return conn, err
}

// countDatagrams adds to the meter what came over UDP since the last call.
func (s *session) countDatagrams() {
	if s.transport == TCP {
		return
	}
	if total := int64(s.client.Stats().Session.InboundBytes); total > s.datagrams {
		s.opt.Meter.AddDown(int(total - s.datagrams))
		s.datagrams = total
	}
}
