package serve

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/kfgrab/kfgrab/internal/credential"
)

// TestSecureHeaders: every answer has the security headers, errors included.
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

// sharedText is a buffer for several goroutines.
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

// TestNoSecrets: no endpoint shows a secret to any client.
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
				continue // the name that the client requested
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

// FuzzAdmit: no credentials but the exact ones are admitted; without clients,
// no host name but the known ones is.
func FuzzAdmit(f *testing.F) {
	token, hash := credential.NewToken()
	closed, err := newGuard(&Guard{Clients: []Client{{Name: "wall", Hash: hash}}})
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

// BenchmarkGuard measures the checks before a handler.
func BenchmarkGuard(b *testing.B) {
	password, err := passwordHash()
	if err != nil {
		b.Fatal(err)
	}
	token, hash := credential.NewToken()
	clients := []Client{{Name: "admin", Hash: password}, {Name: "wall", Hash: hash}}
	for name, test := range map[string]struct {
		conf   Guard
		header string
	}{
		"open": {}, "password": {Guard{Clients: clients}, basic("admin", adminPassword)}, "token": {Guard{Clients: clients}, "Bearer " + token},
		"rate": {Guard{Rate: Rate{PerSecond: 1 << 30, Burst: 1 << 30}}, ""},
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
