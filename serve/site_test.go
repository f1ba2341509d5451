package serve

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

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

// TestRebinding: a foreign name that leads here gets no answer.
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

// TestForeignPages: requests that pages of other sites cause are refused.
func TestForeignPages(t *testing.T) {
	s := start(t, &Options{Streams: []Stream{stream(t, "door=http://127.0.0.1:1/")}})
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
