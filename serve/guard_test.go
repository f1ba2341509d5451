package serve

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/kfgrab/kfgrab/config"
	"github.com/kfgrab/kfgrab/internal/credential"
)

// household is a service that some may ask, of streams that nobody reaches.
type household struct {
	*service
	admin, wall string // headers of who may see all, and one stream
	token       string // of wall
}

const adminPassword = "correct horse"

// passwordHash is that of adminPassword: to make one takes a while.
var passwordHash = sync.OnceValues(func() (string, error) { return credential.OfPassword(adminPassword) })

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
		Streams: []config.Stream{stream(t, "door=rtsp://user:geheim@127.0.0.1:1/"), stream(t, "yard=http://127.0.0.1:1/?key=geheim")},
		Logger:  textLogger(log),
		Guard:   Guard{Clients: []config.Client{{Name: "admin", Hash: password}, {Name: "wall", Hash: hash, Streams: []string{"door", "gone"}}}},
	})
	return &household{s, basic("admin", adminPassword), "Bearer " + token, token}
}

// TestCredentials: who is nobody gets nothing, whatever it asks for.
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

// TestTwoHeaders: a request that says twice who it is is nobody's.
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

// TestTokenInQuery: it is refused even where it is right, as it is in logs by now.
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

// TestScope: who may see some streams sees no others, nor whether they are there.
func TestScope(t *testing.T) {
	h := startHousehold(t)
	var list listReport
	if err := json.Unmarshal(h.get(t, "/streams", "Authorization", h.wall).body, &list); err != nil || len(list.Streams) != 1 || list.Streams[0].Name != "door" {
		t.Errorf("%v %+v", err, list.Streams)
	}
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/streams/door", 200},
		{"GET", "/streams/gone", 404},
		{"GET", "/streams/yard", 403},
		{"GET", "/streams/nobody", 403},
		{"GET", "/streams/yard/snapshot.jpg", 403},
		{"GET", "/streams/yard/mjpeg", 403},
		{"GET", "/streams/yard/events", 403},
		{"GET", "/latest.jpg?stream=yard", 403},
		{"GET", "/stream/info", 200},
		{"DELETE", "/cache/yard", 403},
		{"DELETE", "/cache/door", 204},
		{"DELETE", "/cache", 204},
		{"GET", "/metrics", 403},
		{"GET", "/snapshot.jpg?url=http://example.com/", 403},
		{"GET", "/latest.jpg?url=http://example.com/", 403},
		{"GET", "/nothing", 404},
		{"PUT", "/cache", 405},
	} {
		if got := h.do(t, test.method, test.path, "Authorization", h.wall); got.StatusCode != test.status {
			t.Errorf("%s %s: %s, want %d: %s", test.method, test.path, got.Status, test.status, got.body)
		}
	}
	if got := h.get(t, "/stream/info", "Authorization", h.wall); !strings.Contains(string(got.body), `"door"`) {
		t.Errorf("the first stream: %s", got.body)
	}
	for _, path := range []string{"/streams", "/cache", "/metrics"} {
		if got := h.get(t, path, "Authorization", h.admin); got.StatusCode != 200 || path == "/streams" && !strings.Contains(string(got.body), "yard") {
			t.Errorf("%s of who may see all: %s", path, got.Status)
		}
	}
}

// TestEventsInScope: events, too, are of one's own streams alone, and end with one's rights.
func TestEventsInScope(t *testing.T) {
	h := startHousehold(t)
	r, err := http.NewRequest("GET", h.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", h.wall)
	res, err := h.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, name := range []string{"yard", "door"} {
		h.get(t, "/streams/"+name+"/snapshot.jpg", "Authorization", h.admin)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "event: failure") {
	}
	if lines.Scan(); !strings.Contains(lines.Text(), `"stream":"door"`) {
		t.Errorf("%q", lines.Text())
	}
	conf := h.guard.Load().conf
	conf.Clients = conf.Clients[:1]
	if err := h.SetGuard(conf); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(res.Body)
	if err != nil || strings.Contains(string(rest), "yard") {
		t.Errorf("%v %s", err, rest)
	}
	if got := h.get(t, "/streams", "Authorization", h.wall); got.StatusCode != 401 {
		t.Errorf("who may not any more: %s", got.Status)
	}
}

// TestGuesses: who tries passwords is told to stop before they cost much, and does not
// keep those out who are known.
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

// TestRemembered: credentials are worked on once, and only so many are remembered.
func TestRemembered(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte(adminPassword), credential.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAuth([]config.Client{{Name: "admin", Hash: string(hash)}})
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
	if c, ok := a.remembered(a.sum(header)); !ok || c == nil || c.name != "admin" {
		t.Error("the right one was pushed out by wrong ones")
	}
	if n := a.rejected.Len(); n != maxRejected {
		t.Errorf("%d are remembered", n)
	}
	other, err := newAuth([]config.Client{{Name: "admin", Hash: string(hash)}})
	if err != nil || other.sum(header) == a.sum(header) {
		t.Errorf("%v: what is remembered can be told from outside", err)
	}
}

func TestNewAuthFails(t *testing.T) {
	_, hash := credential.NewToken()
	for _, clients := range [][]config.Client{
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

// send sends a request with this Host and these headers.
func (s *service) send(t *testing.T, method, path, host string, headers ...string) int {
	t.Helper()
	r, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// TestRebinding: a name that leads here without being ours gets no answer.
func TestRebinding(t *testing.T) {
	s := start(t, &Options{Guard: Guard{Hosts: []string{"Cams.example.com."}}})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	for host, want := range map[string]int{
		"127.0.0.1:" + port: 200, "localhost:" + port: 200, "LOCALHOST": 200, "[::1]:80": 200, "[::1]": 200, "192.168.1.7": 200, "cams.localhost": 200,
		"cams.example.com": 200, "CAMS.example.com.:8080": 200, "evil.example.com": 421, "localhost.evil.example.com": 421, "127.0.0.1.nip.io": 421,
		"evil.example.com:" + port: 421, "evillocalhost": 421, "rebind.it": 421,
	} {
		if got := s.send(t, "GET", "/streams", host); got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
	h := startHousehold(t)
	if got := h.send(t, "GET", "/streams", "any.example.com", "Authorization", h.admin); got != 200 {
		t.Errorf("with credentials: %d", got)
	}
}

// TestForeignPages: what a web page elsewhere has a browser ask for is not done.
func TestForeignPages(t *testing.T) {
	s := start(t, &Options{Streams: []config.Stream{stream(t, "door=http://127.0.0.1:1/")}})
	h := startHousehold(t)
	host := strings.TrimPrefix(s.url, "http://")
	for _, test := range []struct {
		method, path string
		headers      []string
		open, closed int // without accounts and with
	}{
		{"DELETE", "/cache", nil, 204, 204},
		{"DELETE", "/cache", []string{"Sec-Fetch-Site", "same-origin"}, 204, 204},
		{"DELETE", "/cache", []string{"Sec-Fetch-Site", "same-site"}, 403, 403},
		{"DELETE", "/cache", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"DELETE", "/cache", []string{"Origin", "http://evil.example.com"}, 403, 403},
		{"DELETE", "/cache", []string{"Origin", "null"}, 403, 403},
		{"DELETE", "/cache", []string{"Origin", "http://" + host}, 204, 403}, // another port is another origin
		{"POST", "/stream/cache/clear", []string{"Origin", "http://evil.example.com"}, 403, 403},
		{"GET", "/stream/cache/clear", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403, 403},
		{"GET", "/stream/cache/clear", []string{"Sec-Fetch-Site", "none"}, 200, 200},
		{"GET", "/streams", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403, 200},
		{"GET", "/streams", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403, 200},
		{"GET", "/streams", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200, 200},
		{"GET", "/streams", []string{"Sec-Fetch-Site", "same-site"}, 200, 200},
		{"GET", "/streams", []string{"Origin", "https://evil.example.com"}, 403, 200},
	} {
		if got := s.send(t, test.method, test.path, "", test.headers...); got != test.open {
			t.Errorf("%s %s %q: %d, want %d", test.method, test.path, test.headers, got, test.open)
		}
		if got := h.send(t, test.method, test.path, "", append(test.headers, "Authorization", h.admin)...); got != test.closed {
			t.Errorf("%s %s %q, with credentials: %d, want %d", test.method, test.path, test.headers, got, test.closed)
		}
	}
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
		if v := s.get(t, "/streams").Header.Get(name); v != "" {
			t.Errorf("%s: %s", name, v)
		}
	}
}

// TestRate: each client has so many requests, whatever it says of whom it asks for.
func TestRate(t *testing.T) {
	s := start(t, &Options{Guard: Guard{Rate: config.Rate{PerSecond: 1, Burst: 5}}})
	limited := 0
	for i := range 20 {
		got := s.get(t, "/streams", "X-Forwarded-For", fmt.Sprint("192.0.2.", i), "Forwarded", fmt.Sprint("for=192.0.2.", i), "X-Real-IP", fmt.Sprint("192.0.2.", i))
		switch {
		case got.StatusCode == 429 && got.Header.Get("Retry-After") == "1":
			limited++
		case got.StatusCode != 200:
			t.Error(got.Status, got.Header)
		}
	}
	if limited == 0 {
		t.Error("none was refused")
	}
	if got := s.get(t, "/healthz"); got.StatusCode != 200 {
		t.Errorf("a probe: %s", got.Status)
	}
}

// TestLimiter: others are not bothered, and only so many are known.
func TestLimiter(t *testing.T) {
	l := newLimiter(config.Rate{PerSecond: 1})
	from := func(remote string) bool { return l.take(&http.Request{RemoteAddr: remote}) }
	if !from("192.0.2.1:1") || from("192.0.2.1:2") || !from("192.0.2.2:1") || from("[::ffff:192.0.2.2]:1") {
		t.Error("addresses of IPv4 are mixed up")
	}
	if !from("[2001:db8::1]:1") || from("[2001:db8::2]:1") || !from("[2001:db8:0:1::1]:1") {
		t.Error("networks of IPv6 are mixed up")
	}
	for i := range 2 * maxClients {
		from(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1).String())
	}
	if n := l.of.Len(); n != maxClients {
		t.Errorf("%d clients", n)
	}
	if clientAddress("@").IsValid() {
		t.Error("a socket without an address has one")
	}
}

// TestSecureHeaders: every answer has them, problems among them.
func TestSecureHeaders(t *testing.T) {
	h := startHousehold(t)
	for _, path := range []string{"/", "/streams", "/streams/door", "/cache", "/metrics", "/healthz", "/nothing", "/streams/door/snapshot.jpg"} {
		for _, authorization := range []string{h.admin, ""} {
			header := h.get(t, path, "Authorization", authorization).Header
			if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: %v", path, header)
			}
			policy := header.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'self'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: %s", path, policy)
			}
		}
	}
}

// sharedText is written by several goroutines.
type sharedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sharedText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sharedText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestNoSecrets: no endpoint shows one, whoever asks.
func TestNoSecrets(t *testing.T) {
	var log sharedText
	h := startLogging(t, &log)
	var all strings.Builder
	for _, path := range []string{
		"/", "/streams", "/streams/door", "/streams/yard", "/streams/yard/view", "/streams/door/snapshot.jpg", "/streams/yard/snapshot.jpg", "/streams/yard/snapshot.mp4",
		"/streams/door/snapshot.jpg?placeholder=1", "/streams/yard/mjpeg", "/streams/door?probe=1", "/assets/wall.js", "/cache", "/latest.jpg", "/latest.jpg?stream=yard", "/stream/info", "/stream/view",
		"/stream/cache", "/metrics", "/healthz", "/readyz", "/nothing?key=geheim", "/streams/geheim/snapshot.gif?token=geheim",
		"/snapshot.jpg?url=http://u:geheim@127.0.0.1:1/", "/openapi.json", "/debug/pprof/", "/debug/vars",
	} {
		for _, authorization := range []string{h.admin, h.wall, basic("admin", "geheim"), ""} {
			got := h.get(t, path, "Authorization", authorization)
			if path == "/streams/geheim/snapshot.gif?token=geheim" {
				continue // the name that it has asked for
			}
			got.Header.Write(&all)
			all.Write(got.body)
		}
	}
	if !strings.Contains(log.String(), "user=wall") {
		t.Errorf("the log does not say who asks: %s", log.String())
	}
	hash, _ := passwordHash()
	for _, secret := range []string{"geheim", adminPassword, h.token, hash, h.admin[6:]} {
		if at := strings.Index(all.String(), secret); at >= 0 {
			t.Errorf("%s is shown: %s", secret, all.String()[max(0, at-100):at+20])
		}
		if strings.Contains(strings.ReplaceAll(log.String(), "/streams/geheim/", ""), secret) {
			t.Errorf("%s is in the log: %s", secret, log.String())
		}
	}
}

// FuzzAdmit: nobody is let in by what is not to the letter what was given out, and where
// everybody is, by no name but those that there are.
func FuzzAdmit(f *testing.F) {
	token, hash := credential.NewToken()
	closed, err := newGuard(&Guard{Clients: []config.Client{{Name: "wall", Hash: hash}}})
	if err != nil {
		f.Fatal(err)
	}
	open, err := newGuard(&Guard{Hosts: []string{"cams.example.com"}})
	if err != nil {
		f.Fatal(err)
	}
	for _, authorization := range []string{"", "Bearer " + token, basic("wall", token), "Bearer  " + token, "basic =", "Bearer", "\x00"} {
		f.Add(authorization, "cams.example.com", "a=b", "/streams")
	}
	f.Add("", "[::1]:80", "token=%zz", "/healthz")
	f.Add("", "127.0.0.1.evil:80", "access_token=x;", "//")
	f.Fuzz(func(t *testing.T, authorization, host, query, path string) {
		r := &http.Request{Method: "GET", Host: host, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{"Authorization": {authorization}}}
		r.RemoteAddr = fmt.Sprintf("10.%d.0.1:1", len(authorization)%256)
		c, err := closed.admit(r)
		scheme, value, _ := strings.Cut(authorization, " ")
		right := strings.EqualFold(scheme, "bearer") && strings.TrimSpace(value) == token
		if text, e := base64.StdEncoding.DecodeString(strings.TrimSpace(value)); e == nil && strings.EqualFold(scheme, "basic") {
			right = right || string(text) == "wall:"+token
		}
		if c != nil && !right {
			t.Errorf("%q is let in", authorization)
		}
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", authorization, err)
		}
		if _, err := open.admit(r); err == nil && host != "" {
			name := strings.ToLower(host)
			if h, _, e := net.SplitHostPort(name); e == nil {
				name = h
			}
			_, e := netip.ParseAddr(strings.Trim(name, "[]"))
			if name = strings.TrimSuffix(name, "."); e != nil && name != "cams.example.com" && name != "localhost" && !strings.HasSuffix(name, ".localhost") {
				if _, e := netip.ParseAddr(strings.Trim(name, "[]")); e != nil {
					t.Errorf("%q is a name of the service", host)
				}
			}
		}
	})
}

// BenchmarkGuard is what is done for a request before it gets to a handler.
func BenchmarkGuard(b *testing.B) {
	password, err := passwordHash()
	if err != nil {
		b.Fatal(err)
	}
	token, hash := credential.NewToken()
	clients := []config.Client{{Name: "admin", Hash: password}, {Name: "wall", Hash: hash}}
	for name, test := range map[string]struct {
		conf   Guard
		header string
	}{
		"open": {}, "password": {Guard{Clients: clients}, basic("admin", adminPassword)}, "token": {Guard{Clients: clients}, "Bearer " + token},
		"rate": {Guard{Rate: config.Rate{PerSecond: 1 << 30, Burst: 1 << 30}}, ""},
	} {
		b.Run(name, func(b *testing.B) {
			g, err := newGuard(&test.conf)
			if err != nil {
				b.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/streams/door/snapshot.jpg", nil)
			if test.header != "" {
				r.Header.Set("Authorization", test.header)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.admit(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
