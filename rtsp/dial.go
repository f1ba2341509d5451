package rtsp

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/kfgrab/kfgrab/internal/tlspin"
)

// dial connects, and counts what crosses the socket.
func (s *Source) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return s.opt.Meter.Conn(conn), nil
}

// dialTLS connects and shakes hands, both within ctx: gortsplib's own way leaves
// the handshake to the first request, which a mute server holds up for long.
func (s *Source) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.dial(ctx, network, address)
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
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &net.OpError{Op: "TLS handshake", Net: network, Addr: conn.RemoteAddr(), Err: err}
	}
	return secure, nil
}
