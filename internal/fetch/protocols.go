package fetch

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"

	"github.com/kfgrab/kfgrab/internal/tlspin"
)

// protocols speaks HTTP/1.1, and HTTP/2 with the servers that insist on it. For a
// client that asks for one thing at a time HTTP/1.1 costs less: ending a connection
// ends what is on its way, while a server has the whole window of an HTTP/2 stream in
// its socket already. At 50 Mbit/s a server without ranges sent, for 104 kB, 140 kB
// over HTTP/1.1 and 183 kB over HTTP/2 with a window of 64 KiB (TLS, TCP and IP
// included). Such a window, unlike a socket's, does not grow: at 150 ms of latency a
// range of 500 kB took 0.4 s over HTTP/1.1 and 1.5 s over HTTP/2.
type protocols struct {
	http1, http2 *http.Transport
	insisting    sync.Map // origin → true

	proxy func(*http.Request) (*url.URL, error) // may be nil
}

func newProtocols(d *dialer, o *Options) *protocols {
	secure := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            o.RootCAs,
		InsecureSkipVerify: o.InsecureTLS,
		ClientSessionCache: tls.NewLRUClientSessionCache(sessions),
	}
	tlspin.Apply(secure, o.TLSFingerprint)

	proxy := chooseProxy(o)
	p := &protocols{http1: newTransport(d, secure, proxy), http2: newTransport(d, secure, proxy), proxy: proxy}
	p.http1.Protocols, p.http2.Protocols = new(http.Protocols), new(http.Protocols)
	p.http1.Protocols.SetHTTP1(true)
	p.http1.TLSClientConfig.NextProtos = []string{"http/1.1"} // otherwise a server that insists on HTTP/2 sends no alert
	p.http2.Protocols.SetHTTP2(true)
	return p
}

// RoundTrip implements http.RoundTripper.
func (p *protocols) RoundTrip(req *http.Request) (*http.Response, error) {
	server := originOf(req.URL)
	if _, known := p.insisting.Load(server); known {
		return p.http2.RoundTrip(req)
	}
	resp, err := p.http1.RoundTrip(req)
	if insistsOnHTTP2(err) {
		p.insisting.Store(server, true)
		return p.http2.RoundTrip(req)
	}
	return resp, err
}

// insistsOnHTTP2 reports whether err is the alert no_application_protocol (RFC 7301
// 3.2), for which crypto/tls has no type.
func insistsOnHTTP2(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error" && remote.Err.Error() == "tls: no application protocol"
}

func (p *protocols) closeIdle() {
	p.http1.CloseIdleConnections()
	p.http2.CloseIdleConnections()
}
