package rtsp

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/bluenviron/gortsplib/v5"

	"github.com/kfgrab/kfgrab/keyframe"
)

// scheme is what the scheme of a URL says.
type scheme struct {
	rtsp   string // the scheme in RTSP itself: "rtsp" or "rtsps"
	tunnel gortsplib.Tunnel
	port   string // where the URL has none
}

// schemes are those of RFC 2326 and, with the names that MediaMTX gave them, of
// the tunnels: Apple's through HTTP, ONVIF's through WebSocket (Streaming
// Specification 5.1.1.5). They are HTTP's ports that a tunnel passes firewalls by.
var schemes = map[string]scheme{
	"rtsp":       {"rtsp", gortsplib.TunnelNone, "554"},
	"rtsps":      {"rtsps", gortsplib.TunnelNone, "322"},
	"rtsp+http":  {"rtsp", gortsplib.TunnelHTTP, "80"},
	"rtsps+http": {"rtsps", gortsplib.TunnelHTTP, "443"},
	"rtsp+ws":    {"rtsp", gortsplib.TunnelWebSocket, "80"},
	"rtsps+ws":   {"rtsps", gortsplib.TunnelWebSocket, "443"},
}

// IsScheme says whether New takes URLs of a scheme, in lower case.
func IsScheme(name string) bool {
	_, ok := schemes[name]
	return ok
}

// parseAddress takes the tunnel out of a URL.
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
	if s.tunnel != gortsplib.TunnelNone && c.Port() == "" {
		c.Host = net.JoinHostPort(c.Hostname(), s.port)
	}
	return c, s, nil
}

func withoutFragment(u *url.URL) *url.URL {
	c := *u
	c.Fragment, c.RawFragment = "", ""
	return &c
}

// follow returns where a redirect from u leads. Credentials go along to the same
// host and port only, and never from TLS to plain text.
func follow(u *url.URL, location string) (*url.URL, error) {
	to, err := u.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("%w: redirect to something that is no URL", keyframe.ErrCorrupt)
	}
	switch {
	case to.Scheme != "rtsp" && to.Scheme != "rtsps" || to.Hostname() == "":
		return nil, fmt.Errorf("%w: redirect to %s", keyframe.ErrUnsupported, oneLine(to.String()))
	case u.Scheme == "rtsps" && to.Scheme == "rtsp":
		return nil, fmt.Errorf("%w: redirect from rtsps to rtsp, which is not encrypted", keyframe.ErrUnsupported)
	}
	if to.User == nil && hostPort(to) == hostPort(u) {
		to.User = u.User
	}
	return withoutFragment(to), nil
}

// hostPort is host and port, the latter from the scheme where there is none.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = schemes[u.Scheme].port
	}
	return net.JoinHostPort(u.Hostname(), port)
}
