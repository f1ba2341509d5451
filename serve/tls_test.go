package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/nginx"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

// pair writes a certificate and its key.
func pair(t *testing.T, paths TLS) *x509.CertPool {
	t.Helper()
	roots, err := nginx.SelfSigned(paths.Cert, paths.Key, net.IPv4(127, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	return roots
}

// trusted reports whether a new connection gets a certificate that roots vouch
// for.
func (s *service) trusted(roots *x509.CertPool) bool {
	conn, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: roots})
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// TestTLS: HTTP/2 works with a certificate that is read again when it changes;
// an invalid one leaves the old one in place.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if _, err := New(&Options{TLS: paths}); err == nil {
		t.Error("there are no files")
	}
	roots := pair(t, paths)
	var log sharedText
	s := listen(t, &Options{TLS: paths, Logger: textLogger(&log)}, nil)
	s.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	s.client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	if got := s.get(t, "/streams"); got.StatusCode != 200 || got.ProtoMajor != 2 {
		t.Errorf("%s %s", got.Proto, got.Status)
	}
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: version})
		if err == nil {
			conn.Close()
		}
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	if res, err := http.Get("http://" + s.address() + "/streams"); err == nil {
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("without TLS: %s", res.Status)
		}
	}
	second := pair(t, paths)
	servetest.Until(t, func() bool { return s.trusted(second) })
	if err := os.WriteFile(paths.Key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	servetest.Until(t, func() bool { return s.trusted(second) && strings.Contains(log.String(), "stays as it was") })
	os.Remove(paths.Key)
	third := pair(t, paths)
	servetest.Until(t, func() bool { return s.trusted(third) })
}

// TestRapidReset: the work for HTTP/2 streams that are reset at once is bounded
// (CVE-2023-44487).
func TestRapidReset(t *testing.T) {
	t.Parallel()
	h := servetest.Hang(t)
	dir := t.TempDir()
	paths := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	roots := pair(t, paths)
	s := listen(t, &Options{TLS: paths, Streams: []Stream{stream(t, "door="+h.URL)}}, nil)
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/streams/door/snapshot.jpg", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if res, err := s.client.Do(r); err == nil {
				res.Body.Close()
			}
		})
	}
	all.Wait()
	if got := s.get(t, "/streams"); got.StatusCode != 200 {
		t.Errorf("others: %s", got.Status)
	}
	c := s.streams.Load().list[0]
	servetest.Until(t, func() bool { return c.grabs.waiters(struct{}{}) == 0 })
}
