package rtsp

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/kfgrab/kfgrab/keyframe"
)

// scheme is the meaning of a URL scheme.
type scheme struct {
	rtsp   string // the scheme in RTSP itself: "rtsp" or "rtsps"
	tunnel tunnel
	port   string // unless the URL has one
}

// schemes are those of RFC 2326 and, with the names that MediaMTX gave them, of
// the tunnels: Apple's through HTTP, ONVIF's through WebSocket (Streaming
// Specification 5.1.1.5). A tunnel uses HTTP's ports, to pass firewalls.
var schemes = map[string]scheme{
	"rtsp":       {"rtsp", noTunnel, "554"},
	"rtsps":      {"rtsps", noTunnel, "322"},
	"rtsp+http":  {"rtsp", throughHTTP, "80"},
	"rtsps+http": {"rtsps", throughHTTP, "443"},
	"rtsp+ws":    {"rtsp", throughWebSocket, "80"},
	"rtsps+ws":   {"rtsps", throughWebSocket, "443"},
}

// IsScheme reports whether New accepts URLs of a scheme, in lower case.
func IsScheme(name string) bool {
	_, ok := schemes[name]
	return ok
}

// parseAddress separates the tunnel from a URL.
func parseAddress(u *url.URL) (*url.URL, scheme, error) {
	s, ok := schemes[u.Scheme]
	switch {
	case !ok:
		return nil, s, fmt.Errorf("%w: scheme %q, want rtsp, rtsps, or one of these with +http or +ws", keyframe.ErrUnsupported, u.Scheme)
	case u.Hostname() == "" || u.Opaque != "":
		return nil, s, errors.New("rtsp URL without a host")
	}

	c := withoutFragment(u)
	c.Scheme = s.rtsp
	if s.tunnel != noTunnel && c.Port() == "" {
		c.Host = net.JoinHostPort(c.Hostname(), s.port)
	}
	return c, s, nil
}

func withoutFragment(u *url.URL) *url.URL {
	c := *u
	c.Fragment, c.RawFragment = "", ""
	return &c
}

// resolveRedirect returns where a redirect from u leads. It keeps credentials for the
// same host and port only, and refuses to go from TLS to plain text.
func resolveRedirect(u *url.URL, location string) (*url.URL, error) {
	to, err := u.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("%w: redirect to a text that is no URL", keyframe.ErrCorrupt)
	}

	switch {
	case (to.Scheme != "rtsp" && to.Scheme != "rtsps") || to.Hostname() == "":
		return nil, fmt.Errorf("%w: redirect to %s", keyframe.ErrUnsupported, oneLine(to.String()))
	case u.Scheme == "rtsps" && to.Scheme == "rtsp":
		return nil, fmt.Errorf("%w: redirect from rtsps to rtsp, which is not encrypted", keyframe.ErrUnsupported)
	}

	if to.User == nil && hostPort(to) == hostPort(u) {
		to.User = u.User
	}
	return withoutFragment(to), nil
}

// hostPort returns host and port. The port is that of the scheme if there is none.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = schemes[u.Scheme].port
	}
	return net.JoinHostPort(u.Hostname(), port)
}
