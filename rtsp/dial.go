package rtsp

import (
	"context"
	"crypto/tls"
	"net"
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
	secure := tls.Client(conn, &tls.Config{
		ServerName: host, RootCAs: s.opt.RootCAs,
		InsecureSkipVerify: s.opt.InsecureTLS, // the user's explicit wish
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}
