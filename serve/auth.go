package serve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/credential"
)

const (
	// maxAuthorization is twice the length that the longest name, token and
	// password make.
	maxAuthorization = 1 << 10
	// maxVerified and maxRejected are how many right and wrong headers are
	// remembered. They are apart, so that wrong ones don't push out right ones.
	maxVerified, maxRejected = 4 << 10, 4 << 10
)

// auth identifies clients. It never changes, but is replaced.
type auth struct {
	clients []*client
	byName  map[string]*client
	decoy   credential.Hash // for unknown names, so that they take as long

	key      [sha256.Size]byte // of sum
	verified *lru.Cache[headerSum, *client]
	rejected *lru.Cache[headerSum, struct{}]
	working  chan struct{} // holds a value for each password being checked
}

// client is a Client that may use the service.
type client struct {
	name    string
	hash    credential.Hash
	streams map[string]bool // those it may see; nil means all
}

// clientKey is the context key of a request's *client if that may not see all
// streams.
type clientKey struct{}

// visibleNames returns the names of the streams that a request may see; nil
// means all.
func visibleNames(ctx context.Context) map[string]bool {
	if c, ok := ctx.Value(clientKey{}).(*client); ok {
		return c.streams
	}
	return nil
}

// headerSum identifies a header Authorization without revealing it.
type headerSum [sha256.Size]byte

// newAuth returns nil if there are no clients. The error wraps kfgrab.ErrUsage.
func newAuth(clients []Client) (*auth, error) {
	if len(clients) == 0 {
		return nil, nil
	}
	a := &auth{byName: map[string]*client{}, working: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	for _, conf := range clients {
		hash, err := credential.Parse(conf.Hash)
		if err != nil {
			return nil, fmt.Errorf("%w: client %q: %w", kfgrab.ErrUsage, conf.Name, err)
		}
		if conf.Name == "" || strings.Contains(conf.Name, ":") || a.byName[conf.Name] != nil {
			return nil, fmt.Errorf("%w: client %q: want a unique name without a colon", kfgrab.ErrUsage, conf.Name)
		}

		c := &client{name: conf.Name, hash: hash}
		for _, name := range conf.Streams {
			if c.streams == nil {
				c.streams = map[string]bool{}
			}
			c.streams[name] = true
		}
		if !hash.IsToken() {
			a.decoy = hash
		}
		a.clients = append(a.clients, c)
		a.byName[c.name] = c
	}

	rand.Read(a.key[:])                                      // never fails
	a.verified, _ = lru.New[headerSum, *client](maxVerified) // fails for sizes below 1 only
	a.rejected, _ = lru.New[headerSum, struct{}](maxRejected)
	return a, nil
}

// sum returns a keyed hash, so that the time of a look-up reveals nothing about
// the secret.
func (a *auth) sum(header string) headerSum {
	return sha256.Sum256(append(append(make([]byte, 0, len(a.key)+maxAuthorization), a.key[:]...), header...))
}

// recall returns the client of a header that has been verified before; nil if
// that was wrong. ok is false if the header is new.
func (a *auth) recall(sum headerSum) (c *client, ok bool) {
	if c, ok = a.verified.Get(sum); ok {
		return c, true
	}
	_, ok = a.rejected.Get(sum)
	return nil, ok
}

// verify returns the client of a header; nil if it is wrong. A password takes a
// tenth of a second. The error is the end of ctx.
func (a *auth) verify(ctx context.Context, header string, sum headerSum) (*client, error) {
	scheme, value, _ := strings.Cut(header, " ")
	var found *client
	switch strings.ToLower(scheme) {
	case "bearer":
		found = a.verifyToken(strings.TrimSpace(value))
	case "basic":
		var err error
		if found, err = a.verifyBasic(ctx, value); err != nil {
			return nil, err
		}
	}

	if found == nil {
		a.rejected.Add(sum, struct{}{})
		return nil, nil
	}
	a.verified.Add(sum, found)
	return found, nil
}

// verifyToken compares with all clients, so that its time reveals nothing.
func (a *auth) verifyToken(token string) (found *client) {
	for _, c := range a.clients {
		if c.hash.IsToken() && c.hash.Matches(token) {
			found = c
		}
	}
	return found
}

// verifyBasic also accepts tokens as passwords: browsers and many viewers of
// cameras support nothing else.
func (a *auth) verifyBasic(ctx context.Context, value string) (*client, error) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	name, secret, found := strings.Cut(string(text), ":")
	if err != nil || !found {
		return nil, nil
	}

	c, hash := a.byName[name], a.decoy
	if c != nil {
		hash = c.hash
	}

	if !hash.IsToken() {
		select {
		case a.working <- struct{}{}:
			defer func() { <-a.working }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}

	if !hash.Matches(secret) {
		return nil, nil
	}
	return c, nil
}

// unauthorised is the answer to a client without valid credentials.
func unauthorised(reason, detail string) error {
	challenge := `Bearer realm="kfgrab"`
	if reason == wrongCredentials {
		challenge += `, error="invalid_token"`
	}
	return &refusal{
		httpError: httpError{http.StatusUnauthorized, detail}, reason: reason,
		challenges: []string{`Basic realm="kfgrab", charset="UTF-8"`, challenge},
	}
}

// hasTokenInQuery reports whether a request has a token in its URL, under any of
// the names that programs use. No parameter of the service has one of these.
func hasTokenInQuery(r *http.Request) bool {
	if !strings.Contains(r.URL.RawQuery, "token=") && !strings.Contains(r.URL.RawQuery, "api_key=") {
		return false
	}
	q := r.URL.Query()
	return q.Has("access_token") || q.Has("token") || q.Has("api_key")
}
