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
	// maxAuthorization is twice what the longest name, token and password make.
	maxAuthorization = 1 << 10
	// maxVerified and maxRejected are how many headers are known to be right and wrong.
	// Those that are wrong do not push out those that are right.
	maxVerified, maxRejected = 4 << 10, 4 << 10
)

// auth knows who may ask. It is not changed, but replaced.
type auth struct {
	clients []*client
	byName  map[string]*client
	decoy   credential.Hash // for names that nobody has, so that they take as long

	key      [sha256.Size]byte // of sum
	verified *lru.Cache[headerSum, *client]
	rejected *lru.Cache[headerSum, struct{}]
	working  chan struct{} // a value for each password that is being checked
}

// client is somebody who may ask.
type client struct {
	name    string
	hash    credential.Hash
	streams map[string]bool // that it may see; nil for all
}

// headerSum stands for a header Authorization where it is remembered.
type headerSum [sha256.Size]byte

// newAuth returns nil where everybody may ask. The error wraps kfgrab.ErrUsage.
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
			return nil, fmt.Errorf("%w: a client needs a name of its own, without a colon: %q", kfgrab.ErrUsage, conf.Name)
		}
		c := &client{name: conf.Name, hash: hash}
		for _, name := range conf.Streams {
			if c.streams == nil {
				c.streams = map[string]bool{}
			}
			c.streams[name] = true
		}
		if !hash.Token() {
			a.decoy = hash
		}
		a.clients = append(a.clients, c)
		a.byName[c.name] = c
	}
	rand.Read(a.key[:])                                      // never fails
	a.verified, _ = lru.New[headerSum, *client](maxVerified) // the error is that of sizes below 1
	a.rejected, _ = lru.New[headerSum, struct{}](maxRejected)
	return a, nil
}

// sum is a keyed hash: what is looked up by it tells nobody by its time how much of a
// secret is right.
func (a *auth) sum(header string) headerSum {
	return sha256.Sum256(append(append(make([]byte, 0, len(a.key)+maxAuthorization), a.key[:]...), header...))
}

// remembered returns the client of a header that has been seen before; ok says whether it
// has, and c is nil where it was wrong.
func (a *auth) remembered(sum headerSum) (c *client, ok bool) {
	if c, ok = a.verified.Get(sum); ok {
		return c, true
	}
	_, ok = a.rejected.Get(sum)
	return nil, ok
}

// verify finds out whose header it is; nil for nobody's. It takes a tenth of a second
// where it is a password's. The error is the end of ctx.
func (a *auth) verify(ctx context.Context, header string, sum headerSum) (*client, error) {
	scheme, value, _ := strings.Cut(header, " ")
	var found *client
	switch strings.ToLower(scheme) {
	case "bearer":
		found = a.ofToken(strings.TrimSpace(value))
	case "basic":
		var err error
		if found, err = a.ofBasic(ctx, value); err != nil {
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

// ofToken compares with all, so that its time tells nothing.
func (a *auth) ofToken(token string) (found *client) {
	for _, c := range a.clients {
		if c.hash.Token() && c.hash.Matches(token) {
			found = c
		}
	}
	return found
}

// ofBasic takes tokens, too, in place of passwords: browsers and cameras' viewers know no
// other way.
func (a *auth) ofBasic(ctx context.Context, value string) (*client, error) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	name, secret, found := strings.Cut(string(text), ":")
	if err != nil || !found {
		return nil, nil
	}
	c, hash := a.byName[name], a.decoy
	if c != nil {
		hash = c.hash
	}
	if !hash.Token() {
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

// unauthorised is the answer to who has not said who it is, or not so that it is believed.
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

// inQuery says whether a request has a secret where it ends in logs and histories. It has
// to come with every spelling that programs use, and with no other parameter.
func inQuery(r *http.Request) bool {
	if !strings.Contains(r.URL.RawQuery, "token=") && !strings.Contains(r.URL.RawQuery, "api_key=") {
		return false
	}
	q := r.URL.Query()
	return q.Has("access_token") || q.Has("token") || q.Has("api_key")
}
