package fetch

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// digestServer wants Digest authentication of the user "u:v" with the password "p".
type digestServer struct {
	offers   []string // algorithms; "" for a challenge that names none
	takes    string   // the one that it accepts; "" for each of the offers
	qop      string   // of the challenges
	uses     int      // of a nonce, after which it is stale; 0 for any number
	silent   bool     // a stale nonce is not called stale
	announce bool     // the next nonce, with each answer

	mu       sync.Mutex
	nonce    int
	count    int // requests with the nonce
	refusals int
}

var digestField = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^,\s]+))`)

func (s *digestServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := map[string]string{}
	for _, m := range digestField.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
		got[m[1]] = m[2] + m[3]
	}
	current := got["nonce"] == fmt.Sprint("n", s.nonce) && got["nc"] == s.nextCount()
	right := strings.HasPrefix(r.Header.Get("Authorization"), "Digest ") && s.isRight(r, got)
	if right && current {
		s.count++
		if s.count == s.uses {
			s.nonce, s.count = s.nonce+1, 0
		}
		if s.announce {
			w.Header().Set("Authentication-Info", fmt.Sprintf(`nextnonce="n%d"`, s.nonce))
		}
		unranged([]byte("#EXTM3U\n"), true)(w, r)
		return
	}

	s.refusals++
	s.nonce, s.count = s.nonce+1, 0
	for _, algorithm := range s.offers {
		field := fmt.Sprintf(`Digest realm="cam, 1", nonce="n%d", opaque="o"`, s.nonce)
		if algorithm != "" {
			field += ", algorithm=" + algorithm
		}
		if s.qop != "" {
			field += fmt.Sprintf(", qop=%q", s.qop)
		}
		if right && !s.silent {
			field += ", stale=TRUE"
		}
		w.Header().Add("Www-Authenticate", field)
	}
	w.WriteHeader(http.StatusUnauthorized)
}

func (s *digestServer) nextCount() string {
	if s.qop == "" {
		return ""
	}
	return fmt.Sprintf("%08x", s.count+1)
}

// isRight checks the response as RFC 7616 3.4.1 defines it, whatever the nonce.
func (s *digestServer) isRight(r *http.Request, got map[string]string) bool {
	algorithm := got["algorithm"]
	if s.takes != "" && algorithm != s.takes {
		return false
	}
	hash := map[string]func(string) string{
		"":    func(x string) string { b := md5.Sum([]byte(x)); return hex.EncodeToString(b[:]) },
		"MD5": func(x string) string { b := md5.Sum([]byte(x)); return hex.EncodeToString(b[:]) },
		"SHA": func(x string) string { b := sha256.Sum256([]byte(x)); return hex.EncodeToString(b[:]) },
	}[algorithm[:min(len(algorithm), 3)]]
	if strings.HasPrefix(algorithm, "SHA-512") {
		hash = func(x string) string { b := sha512.Sum512_256([]byte(x)); return hex.EncodeToString(b[:]) }
	}
	user := got["username"] + ":cam, 1:p"
	first := hash(user)
	if strings.HasSuffix(algorithm, "-sess") {
		first = hash(first + ":" + got["nonce"] + ":" + got["cnonce"])
	}
	second := hash("GET:" + r.URL.RequestURI())
	want := hash(first + ":" + got["nonce"] + ":" + second)
	if s.qop != "" {
		want = hash(strings.Join([]string{first, got["nonce"], got["nc"], got["cnonce"], got["qop"], second}, ":"))
	}
	return got["username"] == "u:v" && got["response"] == want && got["uri"] == r.RequestURI && got["opaque"] == "o"
}

// TestDigest: each algorithm of RFC 7616 is answered, and only the first request is
// challenged, unless nonces run out unannounced.
func TestDigest(t *testing.T) {
	tests := []struct {
		name     string
		server   *digestServer
		refusals int // of three requests
	}{
		{"no algorithm", &digestServer{offers: []string{""}, qop: "auth"}, 1},
		{"no qop", &digestServer{offers: []string{""}}, 1},
		{"MD5", &digestServer{offers: []string{"MD5"}, qop: "auth,auth-int"}, 1},
		{"MD5-sess", &digestServer{offers: []string{"MD5-sess"}, qop: "auth"}, 1},
		{"SHA-256", &digestServer{offers: []string{"SHA-256"}, qop: "auth"}, 1},
		{"SHA-256-sess", &digestServer{offers: []string{"SHA-256-sess"}, qop: "auth"}, 1},
		{"SHA-512-256", &digestServer{offers: []string{"SHA-512-256"}, qop: "auth"}, 1},
		{"several", &digestServer{offers: []string{"SHA-256", "MD5"}, qop: "auth"}, 1},
		{"an unknown one first", &digestServer{offers: []string{"SHA3-256", "MD5"}, takes: "MD5", qop: "auth"}, 1},
		{"takes the second only", &digestServer{offers: []string{"SHA-256", "MD5"}, takes: "MD5", qop: "auth"}, 2},
		{"takes the third only", &digestServer{offers: []string{"SHA-512-256", "SHA-256", "MD5"}, takes: "MD5", qop: "auth"}, 3},
		{"a nonce for each request", &digestServer{offers: []string{"MD5"}, qop: "auth", uses: 1}, 3},
		{"and it is not called stale", &digestServer{offers: []string{"MD5"}, qop: "auth", uses: 1, silent: true}, 3},
		{"and it is announced", &digestServer{offers: []string{"MD5"}, qop: "auth", uses: 1, announce: true}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := serve(t, tt.server.ServeHTTP)
			u.User, u.RawQuery = url.UserPassword("u:v", "p"), "a=b&c=%22"
			o, m := counted(&Options{})
			c := client(t, u, o)
			for range 2 {
				if d, err := c.Get(within(t, testTime), u, 0); err != nil || string(d.Body) != "#EXTM3U\n" {
					t.Fatal(d, err)
				}
			}
			r := c.Open(within(t, testTime), u, Range{})
			if data, err := io.ReadAll(r); err != nil || len(data) != 8 {
				t.Fatalf("%q %v", data, err)
			}
			r.Close()
			if tt.server.refusals != tt.refusals || m.Read().Requests != 3+tt.refusals {
				t.Errorf("%d refusals and %d requests", tt.server.refusals, m.Read().Requests)
			}
		})
	}
}

// TestDigestRefused: a wrong password is tried once for each algorithm, and an
// unknown algorithm is named.
func TestDigestRefused(t *testing.T) {
	tests := []struct {
		name   string
		server *digestServer
		most   int
		want   string
	}{
		{"wrong", &digestServer{offers: []string{"SHA-256", "MD5"}, qop: "auth"}, 3, "the credentials were refused"},
		{"wrong, and the server always says stale", &digestServer{offers: []string{"MD5"}, takes: "none", qop: "auth"}, 5, "the credentials were refused"},
		{"unknown", &digestServer{offers: []string{"SHA3-256"}, qop: "auth"}, 1, "an unknown kind of Digest authentication"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Www-Authenticate"] = nil
				tt.server.ServeHTTP(w, r)
			})
			u.User = url.UserPassword("u:v", "s3cret")
			_, err := client(t, u, nil).Get(within(t, testTime), u, 0)
			var status *StatusError
			if !errors.As(err, &status) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v", err)
			}
			if tt.server.refusals > tt.most {
				t.Errorf("%d requests", tt.server.refusals)
			}
		})
	}
}

// TestDigestStaysAtHome: another server that asks for Digest gets no answer, be it
// by a redirect or by a playlist.
func TestDigestStaysAtHome(t *testing.T) {
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials sent to another server")
		}
		w.Header().Set("Www-Authenticate", `Digest realm="cam, 1", nonce="n1"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	server := &digestServer{offers: []string{"MD5"}, qop: "auth"}
	home := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.String(), http.StatusFound)
			return
		}
		server.ServeHTTP(w, r)
	})
	home.User = url.UserPassword("u:v", "p")
	c := client(t, home, nil)
	if _, err := c.Get(within(t, testTime), home, 0); err != nil {
		t.Fatal(err)
	}
	for _, u := range []*url.URL{other, home.JoinPath("/../away")} {
		var status *StatusError
		if _, err := c.Get(within(t, testTime), u, 0); !errors.As(err, &status) || status.Code != http.StatusUnauthorized {
			t.Errorf("%s: %v", u.Redacted(), err)
		}
	}
}
