package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"

	"golang.org/x/net/http/httpproxy"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/proxyurl"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/tlspin"
)

// errProxy stands for the library's errors, which print the proxy's password.
var errProxy = errors.New("the proxy in the environment is not a URL of an http, https, socks5 or socks5h proxy")

// chooseProxy returns which proxy a request uses, nil for none: the one of the options,
// else that of the environment. It returns nil if no request uses one.
func chooseProxy(o *Options) func(*http.Request) (*url.URL, error) {
	switch {
	case o.Proxy != nil:
		return http.ProxyURL(o.Proxy)
	case o.DialContext != nil:
		return nil
	}

	return environmentProxies()
}

// environmentProxies follows the variables that net/http reads, and ALL_PROXY as curl
// does. net/http would ignore an address that makes no sense, and connect directly.
func environmentProxies() func(*http.Request) (*url.URL, error) {
	c := httpproxy.FromEnvironment()
	all := cmp.Or(os.Getenv("all_proxy"), os.Getenv("ALL_PROXY"))
	unusable := map[string]bool{} // by the scheme of requests

	for scheme, value := range map[string]*string{"http": &c.HTTPProxy, "https": &c.HTTPSProxy} {
		if *value = cmp.Or(*value, all); *value == "" {
			continue
		}
		u, err := proxyurl.Parse(*value)
		if unusable[scheme] = err != nil; err != nil {
			u = &url.URL{Scheme: "http", Host: "unusable.invalid"} // so that NO_PROXY is asked
		}
		*value = u.String()
	}

	choose := c.ProxyFunc()
	return func(req *http.Request) (*url.URL, error) {
		u, err := choose(req.URL)
		if err != nil || (u != nil && unusable[req.URL.Scheme]) {
			return nil, errProxy
		}
		return u, nil
	}
}

// proxyAnswer makes a proxy's refusal of a tunnel an answer like any other.
func proxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &StatusError{Code: resp.StatusCode, URL: redact.URL(proxy.String()), Proxy: true}
}

// nameProxy puts the proxy's name into the error of a request that got no connection,
// unless the server is to blame, or the proxy is named already.
func (p *protocols) nameProxy(req *http.Request, err error) error {
	var refusal *StatusError
	if p.proxy == nil || errors.As(err, &refusal) || isFromHandshake(err) {
		return err
	}
	proxy, unusable := p.proxy(req)
	if unusable != nil || proxy == nil {
		return err
	}
	if ended := context.Cause(req.Context()); ended != nil {
		err = ended
	}
	return &neterror.ProxyError{URL: redact.URL(proxy.String()), Err: err}
}

// isFromHandshake reports whether an error is of the handshake of TLS with the server,
// behind the proxy. net/http marks that with the proxy.
func isFromHandshake(err error) bool {
	var failed *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var pinned *tlspin.Error
	if errors.As(err, &failed) && failed.Op == "proxyconnect" {
		return false
	}
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &pinned)
}
