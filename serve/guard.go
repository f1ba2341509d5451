package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
)

// Guard says who is answered. The zero value answers everybody, but for web pages of other
// sites where it listens at a loopback address.
type Guard struct {
	// Clients are who may ask, by a header Authorization of Basic or Bearer. Where there
	// are none, nobody has to say who it is.
	Clients []Client

	// Hosts are names of the service. Where there are no Clients, who reaches it at a
	// loopback address has to ask for one of these, localhost or an address: else any web
	// page could have its own name lead here (DNS rebinding).
	Hosts []string

	// Rate bounds the requests of an address. That of a proxy stands for all behind it:
	// headers such as X-Forwarded-For are not believed.
	Rate Rate

	// Allow are the hosts of which clients that may see all streams may have a picture
	// made with ?url=, such as "example.com, *.example.org, 10.0.0.0/8"; "" for none.
	// Private, loopback, link-local and metadata addresses have to be there themselves,
	// whatever names lead to them. Such pictures have an eighth of Options.CacheBytes,
	// beside the others.
	Allow string
}

// The reasons of refusals, as metrics have them.
const (
	wrongHost        = "host"
	foreignPage      = "foreign_page"
	tooMany          = "rate"
	noCredentials    = "no_credentials"
	wrongCredentials = "wrong_credentials"
	secretInQuery    = "secret_in_query"
)

// refusal is an httpError of a request that is right, but not to be answered now or for
// who asks.
type refusal struct {
	httpError
	reason     string
	retry      int      // seconds
	challenges []string // of WWW-Authenticate
}

func (e *refusal) Unwrap() error { return &e.httpError }

// guard is a Guard at work. It is not changed, but replaced.
type guard struct {
	conf    Guard
	auth    *auth // nil where everybody may ask
	hosts   map[string]bool
	allowed *allow.List
	rate    *limiter // nil for none
	guesses *limiter
	ctx     context.Context // of those who watch; done when others may than before
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

// SetGuard changes who is answered. Who watches has to ask again, where other clients may
// than before. The error wraps kfgrab.ErrUsage, and then nothing has changed.
func (s *Server) SetGuard(conf Guard) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.guard.Load()
	if before != nil && reflect.DeepEqual(before.conf, conf) {
		return nil
	}
	g, err := newGuard(&conf)
	if err != nil {
		return err
	}
	if before != nil && reflect.DeepEqual(before.conf.Clients, conf.Clients) {
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

// guarded has h answer who may ask.
func (s *Server) guarded(h http.Handler) http.Handler {
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

// context has what handlers ask for of c, nil for anybody, and ends for who watches when c
// may not any more.
func (g *guard) context(r *http.Request, c *client) (context.Context, context.CancelFunc) {
	ctx, cancel := r.Context(), func() {}
	if c != nil && c.streams != nil {
		ctx = context.WithValue(ctx, clientKey{}, c)
	}
	if strings.HasSuffix(r.URL.Path, "/mjpeg") || strings.HasSuffix(r.URL.Path, "/events") {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		stop := context.AfterFunc(g.ctx, end)
		cancel = func() { stop(); end() }
	}
	return ctx, cancel
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.(*answer).told = true
	p := problemOf(err)
	var refused *refusal
	if errors.As(err, &refused) {
		s.metrics.refused.WithLabelValues(refused.reason).Inc()
		for _, c := range refused.challenges {
			w.Header().Add("WWW-Authenticate", c)
		}
	}
	p.write(w, r)
}

// admit returns who asks, nil for anybody, or why there is no answer.
func (g *guard) admit(r *http.Request) (*client, error) {
	if g.auth == nil {
		if err := g.checkHost(r); err != nil {
			return nil, err
		}
	}
	if err := g.checkSite(r); err != nil {
		return nil, err
	}
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" { // they tell nothing
		return nil, nil
	}
	if g.rate != nil && !g.rate.take(r) {
		return nil, tooManyRequests("more requests than %d a second", g.conf.Rate.PerSecond)
	}
	if g.auth == nil {
		return nil, nil
	}
	return g.identify(r)
}

func (g *guard) identify(r *http.Request) (*client, error) {
	if inQuery(r) {
		return nil, &refusal{httpError: httpError{
			http.StatusBadRequest, "a token is taken in the header Authorization alone (Bearer, or as the password of Basic): addresses end in logs and histories, so take another one now",
		}, reason: secretInQuery}
	}
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return nil, unauthorised(noCredentials, "say who you are: Authorization: Bearer TOKEN, or Basic")
	}
	if len(headers) > 1 || len(headers[0]) > maxAuthorization {
		return nil, unauthorised(wrongCredentials, "there is one header Authorization, of up to 1024 bytes")
	}
	sum := g.auth.sum(headers[0])
	c, seen := g.auth.remembered(sum)
	if !seen {
		if !g.guesses.take(r) {
			return nil, tooManyRequests("too many different credentials")
		}
		var err error
		if c, err = g.auth.verify(r.Context(), headers[0], sum); err != nil {
			return nil, err
		}
	}
	if c == nil {
		return nil, unauthorised(wrongCredentials, "nobody here has these credentials")
	}
	return c, nil
}
