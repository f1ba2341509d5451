// Package proxyurl reads the addresses of proxies. It is internal to kfgrab.
//
// Call [Parse] for what a user wrote, and [Check] for what an importer gave.
package proxyurl

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"strings"
)

// ports are the default ports of the kinds of proxies, as net/http has them.
var ports = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// Check returns an error if u is not the URL of a proxy.
func Check(u *url.URL) error {
	switch {
	case ports[u.Scheme] == "":
		return errors.New("a proxy has the scheme http, https, socks5 or socks5h")
	case u.Hostname() == "":
		return errors.New("the proxy has no host")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return errors.New("a proxy has no path: write http://user:password@host:port")
	}
	return nil
}

// Parse reads the URL of a proxy. Without a scheme it is an HTTP proxy, as for curl. The
// error does not repeat text, which may have a password.
func Parse(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not the URL of a proxy: write http://user:password@host:port, with %40 for @ and so on in the password")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	return u, Check(u)
}

// Address returns the host and port to connect to.
func Address(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), ports[u.Scheme]))
}
