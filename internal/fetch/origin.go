package fetch

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/kfgrab/kfgrab/internal/digest"
)

// originOf is scheme, host and port (RFC 6454 4).
func originOf(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// canonicalHeader returns a copy of h with the names as http.Header requires them.
func canonicalHeader(h http.Header) http.Header {
	own := http.Header{}
	for name, values := range h {
		for _, v := range values {
			own.Add(name, v)
		}
	}
	return own
}

// setHeaders gives a request its headers. The user's headers, unless they are wanted
// everywhere, and the stream's credentials go to the stream's own origin only: a
// playlist or a redirect may lead anywhere, even to the same host without TLS.
// setHeaders returns the login whose credentials the request carries, nil if there
// are none.
func (c *Client) setHeaders(req *http.Request, own http.Header) (login *digest.Client) {
	req.Header = http.Header{"User-Agent": {c.userAgent}}
	user, header := req.URL.User, c.foreign
	if originOf(req.URL) == c.origin {
		header = c.header
		req.Host = c.header.Get("Host")
		if user == nil {
			user = c.user
		}
	}

	for k, v := range header {
		req.Header[k] = v
	}
	if user != nil && req.Header.Get("Authorization") == "" {
		login = c.logins.find(originOf(req.URL), user)
		setCredentials(req, user, login)
	}
	for _, cookie := range c.jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	for k, v := range own {
		req.Header[k] = v
	}
	return login
}
