package serve

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// checkHost refuses names that others may have lead here, where it matters.
func (g *guard) checkHost(r *http.Request) error {
	if len(g.conf.Hosts) == 0 && !atLoopback(r) || r.Host == "" {
		return nil
	}
	name := r.Host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || g.hosts[name] || strings.HasSuffix(name, ".localhost") {
		return nil
	}
	return &refusal{httpError: httpError{
		http.StatusMisdirectedRequest, fmt.Sprintf("%.60q is not a name of this service: its operator can add it to the configured hosts", name),
	}, reason: wrongHost}
}

// checkSite refuses what web pages of others have a browser ask for: changes, and where
// nobody has to say who it is and it is on the same machine, all but links.
func (g *guard) checkSite(r *http.Request) error {
	site := siteOf(r)
	switch {
	case site == sameOrigin:
		return nil
	case changes(r):
	case g.auth != nil, site == sameSite, !atLoopback(r), isLink(r):
		return nil
	}
	return &refusal{httpError: httpError{http.StatusForbidden, "this is not for web pages of other sites"}, reason: foreignPage}
}

// changes says whether a request does more than to look. That of the old paths clears with
// GET, too.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions || r.URL.Path == "/stream/cache/clear"
}

// isLink says whether somebody is going to see the answer as a page of its own.
func isLink(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// site says of which page a request comes.
type site uint8

const (
	sameOrigin site = iota // or of none
	sameSite
	crossSite
)

// siteOf goes by what browsers say of themselves: other programs do not act for a page.
func siteOf(r *http.Request) site {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return sameOrigin
	case "same-site":
		return sameSite
	case "":
	default:
		return crossSite
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return sameOrigin
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return sameOrigin
	}
	return crossSite
}

// atLoopback says whether the request came to an address that only this machine has.
func atLoopback(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}
