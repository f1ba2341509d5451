package allow

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// DialContext connects as that of net.Dialer does, to what l allows. Of a name that has
// several addresses those are passed over that it does not. The error wraps ErrRefused,
// and is then a *net.OpError without an address: that a name leads to a private one is
// all that a stranger is told.
func (l *List) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if err := l.checkHost(host); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	d := net.Dialer{ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return err
		}
		return l.checkAddress(host, to.Addr())
	}}
	conn, err := d.DialContext(ctx, network, address)
	var dial *net.OpError
	if errors.Is(err, ErrRefused) && errors.As(err, &dial) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: dial.Err}
	}
	return conn, err
}
