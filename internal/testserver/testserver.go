// Package testserver runs servers that nobody here wrote, for tests.
//
// [Nginx] serves a directory over HTTP on loopback, [NginxTLS] over HTTPS and
// HTTP/2. Both end with the test, and skip it where nginx is absent.
package testserver

import (
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab/internal/nginx"
)

// Nginx serves the files under root and returns the server's URL without a
// trailing slash. The extra lines are directives of nginx's server block, such
// as "max_ranges 0;" or "location /private/ { return 401; }".
func Nginx(tb testing.TB, root string, extra ...string) (baseURL string) {
	tb.Helper()
	return "http://" + start(tb, nginx.Config{Root: root, Server: extra})
}

// NginxTLS is Nginx over TLS, with HTTP/2 offered. The certificate is made for
// the occasion; roots verifies it.
func NginxTLS(tb testing.TB, root string, extra ...string) (baseURL string, roots *x509.CertPool) {
	tb.Helper()
	dir := tb.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots = certificate(tb, cert, key)
	extra = append(extra, "ssl_certificate "+cert+";", "ssl_certificate_key "+key+";")
	return "https://" + start(tb, nginx.Config{Root: root, Listen: "ssl http2", Server: extra}), roots
}

func start(tb testing.TB, c nginx.Config) (addr string) {
	tb.Helper()
	c.Dir = tb.TempDir()
	s, err := nginx.Start(c)
	if errors.Is(err, nginx.ErrNotInstalled) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s.Addr
}

// certificate writes a self-signed certificate for 127.0.0.1 and its key.
func certificate(tb testing.TB, certFile, keyFile string) *x509.CertPool {
	tb.Helper()
	roots, err := nginx.SelfSigned(certFile, keyFile, net.IPv4(127, 0, 0, 1))
	if err != nil {
		tb.Fatal(err)
	}
	return roots
}
