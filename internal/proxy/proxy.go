// Package proxy makes connections through an HTTP or SOCKS proxy, for protocols other than
// HTTP; net/http has its own. It is internal to kfgrab.
//
// Package proxyurl reads the addresses of proxies.
package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	socks "golang.org/x/net/proxy"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/proxyurl"
	"github.com/kfgrab/kfgrab/internal/redact"
)

// maxAnswer bounds the head of a proxy's answer, as net/http bounds those of servers.
const maxAnswer = 64 << 10

// Dialer makes connections through a proxy. Host names go to the proxy as they are, with
// socks5 as with socks5h: net/http does the same.
type Dialer struct {
	URL *url.URL // for which proxyurl.Check returns nil
	// Dial connects to the proxy.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	TLS  *tls.Config // of an https proxy; ServerName is ignored
}

// StatusError is a proxy's refusal of a connection.
type StatusError struct{ Code int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("the proxy answers %d %s", e.Code, http.StatusText(e.Code))
}

// DialContext connects to address, a host and a port. A failure is a
// *neterror.ProxyError, which may wrap a *StatusError.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.connect(ctx, network, address)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, &neterror.ProxyError{URL: redact.URL(d.URL.String()), Err: err}
	}
	return conn, nil
}

func (d *Dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if strings.HasPrefix(d.URL.Scheme, "socks5") {
		return d.connectSOCKS(ctx, network, address)
	}

	conn, err := d.dialProxy(ctx, network, proxyurl.Address(d.URL))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // of an open connection
	tunnel, err := d.openTunnel(conn, address)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return tunnel, nil
}

// dialProxy connects to the proxy.
func (d *Dialer) dialProxy(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dial(ctx, network, address)
	if err != nil || d.URL.Scheme != "https" {
		return conn, err
	}

	config := d.TLS.Clone()
	config.ServerName = d.URL.Hostname()
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// openTunnel asks an HTTP proxy for a connection to address (RFC 9110 9.3.6).
func (d *Dialer) openTunnel(conn net.Conn, address string) (net.Conn, error) {
	login := ""
	if user := d.URL.User; user != nil {
		password, _ := user.Password()
		login = "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n"
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", address, address, login); err != nil {
		return nil, err
	}

	in := bufio.NewReader(&io.LimitedReader{R: conn, N: maxAnswer})
	answer, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, &StatusError{answer.StatusCode}
	}

	early, _ := in.Peek(in.Buffered()) // what the server sent with the answer
	if len(early) == 0 {
		return conn, nil
	}
	return &tunnelConn{Conn: conn, early: slices.Clone(early)}, nil
}

// tunnelConn is a connection of which some bytes were read already.
type tunnelConn struct {
	net.Conn
	early []byte
}

func (c *tunnelConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// connectSOCKS asks a SOCKS proxy for a connection to address (RFC 1928).
func (d *Dialer) connectSOCKS(ctx context.Context, network, address string) (net.Conn, error) {
	var login *socks.Auth
	if user := d.URL.User; user != nil {
		password, _ := user.Password()
		login = &socks.Auth{User: user.Username(), Password: password}
	}
	inner, err := socks.SOCKS5(network, proxyurl.Address(d.URL), login, proxyDial(d.dialProxy))
	if err != nil {
		return nil, err
	}
	return inner.(socks.ContextDialer).DialContext(ctx, network, address) // always one
}

// proxyDial is dialProxy as a dialer of golang.org/x/net/proxy.
type proxyDial func(ctx context.Context, network, address string) (net.Conn, error)

func (f proxyDial) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// Dial is part of the interface, and not called: there is a context always.
func (f proxyDial) Dial(network, address string) (net.Conn, error) {
	return f(context.Background(), network, address)
}
