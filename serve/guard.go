package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
)

// Guard decides which requests the service answers. The zero value answers all,
// except that at a loopback address it refuses those of other sites' web pages.
type Guard struct {
	// Clients lists the clients that may use the service. They sign in with the
	// header Authorization, Basic or Bearer. If the list is empty, no client has to.
	Clients []Client

	// Hosts are names of the service. Without Clients, requests that reach it at a
	// loopback address must be for one of these, localhost or an address: otherwise
	// any web page could have its own name lead here (DNS rebinding).
	Hosts []string

	// Rate bounds the requests of one address. Behind a proxy, all requests count
	// as the proxy's: X-Forwarded-For and its like are not trusted.
	Rate Rate

	// Allow lists the hosts whose streams ?url= may name, such as
	// "example.com, *.example.org, 10.0.0.0/8"; "" means none. Only clients that may
	// see all streams can use it. Private, loopback, link-local and metadata
	// addresses must be listed themselves, whatever names lead to them. The pictures
	// may take another eighth of Options.CacheBytes.
	Allow string
}

// The reasons of refusals, for metrics.
const (
	wrongHost        = "host"
	foreignPage      = "foreign_page"
	overRate         = "rate"
	noCredentials    = "no_credentials"
	wrongCredentials = "wrong_credentials"
	secretInQuery    = "secret_in_query"
)

// guard applies a Guard. It never changes, but is replaced.
type guard struct {
	conf    Guard
	auth    *auth // nil if no client has to sign in
	hosts   map[string]bool
	allowed *allow.List
	rate    *limiter // nil for none
	guesses *limiter
	ctx     context.Context // of lasting answers; done once the clients change
	cancel  context.CancelFunc
}

// newGuard returns an error that wraps kfgrab.ErrUsage.
func newGuard(conf *Guard) (*guard, error) {
	g := &guard{conf: *conf, hosts: map[string]bool{"localhost": true}, guesses: newLimiter(guessRate)}
	var err error
	if g.auth, err = newAuth(conf.Clients); err != nil {
		return nil, err
	}
	if g.allowed, err = allow.Parse(conf.Allow); err != nil {
		return nil, fmt.Errorf("%w: %w", kfgrab.ErrUsage, err)
	}
	for _, name := range conf.Hosts {
		g.hosts[strings.ToLower(strings.TrimSuffix(name, "."))] = true
	}

	if conf.Rate.PerSecond > 0 {
		g.rate = newLimiter(conf.Rate)
	}

	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// SetGuard replaces the Guard. If Clients changes, lasting answers end, and their
// clients must connect again. The error wraps kfgrab.ErrUsage; nothing has changed
// then.
func (s *Server) SetGuard(conf Guard) error {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()

	before := s.guard.Load()
	if before != nil && reflect.DeepEqual(before.conf, conf) {
		return nil
	}

	g, err := newGuard(&conf)
	if err != nil {
		return err
	}

	if before != nil && reflect.DeepEqual(before.conf.Clients, conf.Clients) {
		g.cancel()
		g.ctx, g.cancel, g.auth = before.ctx, before.cancel, before.auth
	}

	s.guard.Store(g)
	if before == nil {
		return nil
	}
	if g.auth != before.auth {
		before.cancel()
	}
	if before.conf.Allow != conf.Allow {
		s.guests.clear()
	}
	return nil
}

// checkAccess passes requests to h that the guard admits.
func (s *Server) checkAccess(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g := s.guard.Load()
		c, err := g.admit(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}

		if c != nil {
			w.(*answer).user = c.name
		}

		ctx, cancel := g.context(r, c)
		defer cancel()
		if ctx != r.Context() {
			r = r.WithContext(ctx)
			w.(*answer).request = r
		}
		h.ServeHTTP(w, r)
	})
}

// context returns the request's context carrying client c (nil if anonymous).
// For a lasting answer, it is cancelled when c may have lost access.
func (g *guard) context(r *http.Request, c *client) (context.Context, context.CancelFunc) {
	ctx, cancel := r.Context(), func() {}
	if c != nil && c.streams != nil {
		ctx = context.WithValue(ctx, clientKey{}, c)
	}
	if isLasting(r.URL.Path) {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		stop := context.AfterFunc(g.ctx, end)
		cancel = func() { stop(); end() }
	}
	return ctx, cancel
}

// isLasting reports whether answers at a path last as long as the client stays.
func isLasting(path string) bool {
	return strings.HasSuffix(path, "/mjpeg") || strings.HasSuffix(path, "/events")
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.(*answer).refused = true
	var refused *refusal
	if errors.As(err, &refused) {
		s.metrics.refused.WithLabelValues(refused.reason).Inc()
		for _, c := range refused.challenges {
			w.Header().Add("WWW-Authenticate", c)
		}
	}
	newProblem(err).write(w, r)
}

// admit returns the client of the request (nil if anonymous), or why it is
// refused.
func (g *guard) admit(r *http.Request) (*client, error) {
	if g.auth == nil {
		if err := g.checkHost(r); err != nil {
			return nil, err
		}
	}

	if err := g.checkSite(r); err != nil {
		return nil, err
	}
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" { // these reveal nothing
		return nil, nil
	}

	if g.rate != nil && !g.rate.allow(r) {
		return nil, tooManyRequests("more than %d requests a second", g.conf.Rate.PerSecond)
	}
	if g.auth == nil {
		return nil, nil
	}
	return g.identify(r)
}

func (g *guard) identify(r *http.Request) (*client, error) {
	if hasTokenInQuery(r) {
		return nil, &refusal{httpError: httpError{
			http.StatusBadRequest, "a token belongs in the header Authorization (Bearer, or as the password of Basic), not in the URL, which ends up in logs and histories: replace this token now",
		}, reason: secretInQuery}
	}

	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return nil, unauthorised(noCredentials, "sign in with the header Authorization: Bearer TOKEN, or Basic")
	}
	if len(headers) > 1 || len(headers[0]) > maxAuthorization {
		return nil, unauthorised(wrongCredentials, "want one header Authorization of at most 1024 bytes")
	}

	sum := g.auth.sum(headers[0])
	c, seen := g.auth.recall(sum)
	if !seen {
		if !g.guesses.allow(r) {
			return nil, tooManyRequests("too many different credentials")
		}
		var err error
		if c, err = g.auth.verify(r.Context(), headers[0], sum); err != nil {
			return nil, err
		}
	}
	if c == nil {
		return nil, unauthorised(wrongCredentials, "unknown user or wrong password")
	}
	return c, nil
}

// checkHost refuses host names that are not the service's own: a stranger's name
// may resolve to its address.
func (g *guard) checkHost(r *http.Request) error {
	if (len(g.conf.Hosts) == 0 && !cameToLoopback(r)) || r.Host == "" {
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

// checkSite refuses requests that web pages of other sites cause: those that
// change something and, if no client has to sign in and the browser is on this
// machine, all except links.
func (g *guard) checkSite(r *http.Request) error {
	site := siteOf(r)
	switch {
	case site == sameOrigin:
		return nil
	case changesState(r):
	case g.auth != nil || site == sameSite || !cameToLoopback(r) || isLink(r):
		return nil
	}
	return &refusal{httpError: httpError{http.StatusForbidden, "web pages of other sites may not use this service"}, reason: foreignPage}
}

// changesState reports whether a request does more than read. One of the old
// paths clears the cache with GET.
func changesState(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.URL.Path == "/stream/cache/clear"
	}
	return true
}

// isLink reports whether the browser shows the answer as a page of its own.
func isLink(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// site is where the web page that caused a request comes from.
type site uint8

const (
	sameOrigin site = iota // or none
	sameSite
	crossSite
)

// siteOf trusts the headers of browsers: other programs don't act for a page.
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

// cameToLoopback reports whether the request came to an address that only this
// machine reaches.
func cameToLoopback(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}
