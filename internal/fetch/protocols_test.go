package fetch

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// TestProtocol: a server that offers HTTP/2 gets HTTP/1.1. A server that
// accepts nothing else gets HTTP/2, after a single refusal.
func TestProtocol(t *testing.T) {
	data := noise(100_000)
	for _, c := range []struct {
		name    string
		insists bool
		want    string
	}{
		{"offers HTTP/2", false, "[HTTP/1.1 HTTP/1.1 HTTP/1.1]"},
		{"insists on HTTP/2", true, "[HTTP/2.0 HTTP/2.0 HTTP/2.0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			refused := 0
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = append(got, r.Proto)
				ranged(data)(w, r)
			}))
			s.Config.ErrorLog = quiet
			s.EnableHTTP2 = true
			s.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				if !c.insists || slices.Contains(hello.SupportedProtos, "h2") {
					return nil, nil
				}
				refused++
				return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"other"}}, nil
			}}
			s.StartTLS()
			t.Cleanup(s.Close)
			u := parse(t, s.URL)
			cl := client(t, u, &Options{InsecureTLS: true})
			r := cl.Open(within(t, testTime), u, Range{First: 60_000})
			defer r.Close()
			if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, data) {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			if _, err := cl.Get(within(t, testTime), u, 0); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != c.want || c.insists != (refused == 1) {
				t.Errorf("asked by %v, want %s; refused %d times", got, c.want, refused)
			}
		})
	}
}
