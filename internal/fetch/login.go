package fetch

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/kfgrab/kfgrab/internal/digest"
)

const (
	// maxLogins bounds the logins that are kept: playlists may name any number of
	// servers and users. A stream has one or two.
	maxLogins = 8
	// maxChallenged bounds how often one request is sent again: after a first
	// challenge, for a stale nonce, and for each of two other algorithms.
	maxChallenged = 4
)

// logins keeps the state of Digest authentication with each server and user, so that
// only the first request is challenged.
type logins struct {
	mu    sync.Mutex
	known map[string]*digest.Client // by origin and user information
}

func (l *logins) find(origin string, user *url.Userinfo) *digest.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := origin + " " + user.String()
	if login := l.known[name]; login != nil {
		return login
	}
	if l.known == nil || len(l.known) >= maxLogins {
		l.known = map[string]*digest.Client{}
	}
	password, _ := user.Password()
	l.known[name] = digest.NewClient(user.Username(), password)
	return l.known[name]
}

// setCredentials gives a request its Authorization: Digest once the server has asked
// for that, before it Basic, which needs no challenge.
func setCredentials(req *http.Request, user *url.Userinfo, login *digest.Client) {
	if field := login.Authorization(req.Method, req.URL.RequestURI()); field != "" {
		req.Header.Set("Authorization", field)
		return
	}
	password, _ := user.Password()
	req.SetBasicAuth(user.Username(), password)
}

// sendAndLogIn sends a request, and again if the server answers with a Digest
// challenge (RFC 7616 3.3).
func (c *Client) sendAndLogIn(ctx context.Context, u *url.URL, own http.Header) (*response, error) {
	for challenged := 0; ; challenged++ {
		resp, err := c.sendOrResend(ctx, u, own)
		if err != nil || resp.login == nil {
			return resp, err
		}
		if resp.StatusCode != http.StatusUnauthorized {
			resp.login.Accept(resp.Header.Get("Authentication-Info"))
			return resp, nil
		}
		if challenged == maxChallenged || !resp.login.Challenge(resp.sentAuth, resp.Header["Www-Authenticate"]) {
			return resp, nil
		}
		resp.discardBody()
	}
}
