package serve

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/kfgrab/kfgrab/internal/credential"
)

// household is a service with two clients, and streams that cannot be reached.
type household struct {
	*service
	admin, wall string // headers of a client that may see everything, and of one with one stream
	token       string // of wall
}

const adminPassword = "correct horse"

// passwordHash is that of adminPassword, made once, since that takes a while.
var passwordHash = sync.OnceValues(func() (string, error) { return credential.HashPassword(adminPassword) })

func basic(name, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))
}

func startHousehold(t *testing.T) *household { return startLogging(t, io.Discard) }

func startLogging(t *testing.T, log io.Writer) *household {
	t.Helper()
	password, err := passwordHash()
	if err != nil {
		t.Fatal(err)
	}
	token, hash := credential.NewToken()
	s := start(t, &Options{
		Streams: []Stream{stream(t, "door=rtsp://user:geheim@127.0.0.1:1/"), stream(t, "yard=http://127.0.0.1:1/?key=geheim")},
		Logger:  textLogger(log),
		Guard:   Guard{Clients: []Client{{Name: "admin", Hash: password}, {Name: "wall", Hash: hash, Streams: []string{"door", "gone"}}}},
	})
	return &household{s, basic("admin", adminPassword), "Bearer " + token, token}
}

// TestCredentials: wrong or missing credentials get a 401 at every path.
func TestCredentials(t *testing.T) {
	h := startHousehold(t)
	for _, test := range []struct {
		authorization string
		status        int
	}{
		{"", 401},
		{h.admin, 200},
		{h.wall, 200},
		{strings.Replace(h.wall, "Bearer", "bEARER", 1), 200},
		{basic("wall", h.token), 200}, // browsers know no Bearer
		{basic("admin", "wrong"), 401},
		{basic("admin", ""), 401},
		{basic("nobody", adminPassword), 401},
		{basic("admin", h.token), 401},
		{basic("", h.token), 401},
		{"Bearer " + adminPassword, 401},
		{"Bearer " + h.token + "x", 401},
		{"Bearer " + h.token[:len(h.token)-1], 401},
		{"Bearer", 401},
		{"Basic !!!", 401},
		{"Basic " + base64.StdEncoding.EncodeToString([]byte("admin")), 401},
		{"Digest username=admin", 401},
		{"Bearer " + strings.Repeat("x", 5000), 401},
	} {
		for range 2 { // known from the first time
			got := h.get(t, "/streams", "Authorization", test.authorization)
			if got.StatusCode != test.status {
				t.Errorf("%.40q: %s, want %d", test.authorization, got.Status, test.status)
			}
			challenges := strings.Join(got.Header.Values("WWW-Authenticate"), ", ")
			if test.status == 401 && (!strings.Contains(challenges, "Basic realm=") || !strings.Contains(challenges, "Bearer realm=")) {
				t.Errorf("%.40q: %q", test.authorization, challenges)
			}
		}
	}
	for _, path := range []string{
		"/", "/streams/door", "/streams/door/view", "/streams/door/snapshot.jpg", "/streams/door/mjpeg", "/events", "/cache", "/latest.jpg", "/stream/info",
		"/metrics", "/snapshot.jpg?url=http://example.com/", "/nothing", "/streams/nobody",
	} {
		for _, method := range []string{"GET", "HEAD", "DELETE", "POST"} {
			got := h.do(t, method, path)
			if got.StatusCode != 401 || got.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: %s", method, path, got.Status)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := h.get(t, path); got.StatusCode != 200 {
			t.Errorf("%s: %s", path, got.Status)
		}
	}
}

// TestTwoHeaders: a request with two headers Authorization is refused.
func TestTwoHeaders(t *testing.T) {
	h := startHousehold(t)
	r, err := http.NewRequest("GET", h.url+"/streams", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = []string{h.wall, h.admin}
	res, err := h.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 401 {
		t.Error(res.Status)
	}
}

// TestTokenInQuery: a token in the URL is refused even if it is valid, since it
// is in logs by then.
func TestTokenInQuery(t *testing.T) {
	h := startHousehold(t)
	for _, name := range []string{"access_token", "token", "api_key"} {
		for _, authorization := range []string{"", h.wall} {
			got := h.get(t, "/streams?"+name+"="+h.token, "Authorization", authorization)
			if got.StatusCode != 400 || !strings.Contains(string(got.body), "Authorization") || strings.Contains(string(got.body), h.token) {
				t.Errorf("%s: %s %s", name, got.Status, got.body)
			}
		}
	}
	if got := h.get(t, "/streams?mytoken=1", "Authorization", h.wall); got.StatusCode != 200 {
		t.Errorf("another parameter: %s", got.Status)
	}
}

// TestGuesses: guessing passwords is limited before it costs much, and does not
// lock out clients that are known.
func TestGuesses(t *testing.T) {
	h := startHousehold(t)
	h.get(t, "/streams", "Authorization", h.admin)
	limited := 0
	for i := range 3 * guessRate.Burst {
		got := h.get(t, "/streams", "Authorization", basic("wall", fmt.Sprint("guess", i)))
		if got.StatusCode == 429 {
			limited++
			if got.Header.Get("Retry-After") != "1" {
				t.Error(got.Header)
			}
		}
	}
	if limited == 0 {
		t.Errorf("none of %d was refused", 3*guessRate.Burst)
	}
	if got := h.get(t, "/streams", "Authorization", h.admin); got.StatusCode != 200 {
		t.Errorf("who is known: %s", got.Status)
	}
}

// TestRemembered: credentials are verified once, and a bounded number is
// remembered.
func TestRemembered(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte(adminPassword), credential.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAuth([]Client{{Name: "admin", Hash: string(hash)}})
	if err != nil {
		t.Fatal(err)
	}
	header := basic("admin", adminPassword)
	if c, err := a.verify(t.Context(), header, a.sum(header)); err != nil || c == nil {
		t.Fatal(err)
	}
	for i := range 2 * maxRejected {
		header := fmt.Sprint("Bearer ", i)
		if c, err := a.verify(t.Context(), header, a.sum(header)); err != nil || c != nil {
			t.Fatal(i, err)
		}
	}
	if c, ok := a.recall(a.sum(header)); !ok || c == nil || c.name != "admin" {
		t.Error("the right one was pushed out by wrong ones")
	}
	if n := a.rejected.Len(); n != maxRejected {
		t.Errorf("%d are remembered", n)
	}
	other, err := newAuth([]Client{{Name: "admin", Hash: string(hash)}})
	if err != nil || other.sum(header) == a.sum(header) {
		t.Errorf("%v: what is remembered can be told from outside", err)
	}
}

func TestNewAuthFails(t *testing.T) {
	_, hash := credential.NewToken()
	for _, clients := range [][]Client{
		{{Name: "a", Hash: "geheim"}}, {{Hash: hash}}, {{Name: "a:b", Hash: hash}}, {{Name: "a", Hash: hash}, {Name: "a", Hash: hash}},
	} {
		if _, err := New(&Options{Guard: Guard{Clients: clients}}); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v: %v", clients, err)
		}
	}
	if _, err := New(&Options{Guard: Guard{Allow: "http://x"}}); err == nil {
		t.Error("an URL is allowed")
	}
}

// TestAuthBegins: anonymous viewers are disconnected once clients have to sign
// in.
func TestAuthBegins(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []Stream{stream(t, "door=http://127.0.0.1:1/")}})
	all, one := s.open(t, "/events"), s.open(t, "/streams/door/events")
	_, hash := credential.NewToken()
	if err := s.SetGuard(Guard{Clients: []Client{{Name: "wall", Hash: hash}}}); err != nil {
		t.Fatal(err)
	}
	for _, res := range []*http.Response{all, one} {
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Error(err)
		}
	}
}
