// Package testserver runs real servers for kfgrab's tests: nginx, MediaMTX, GStreamer's
// RTSP server and VLC; and a forward proxy, [StartProxy].
//
// [Nginx] serves a directory over HTTP on loopback, [NginxTLS] over HTTPS and HTTP/2;
// [MediaMTX], [GStreamer] and [VLC] serve RTSP, [Lossy] loses their datagrams. All end
// with the test, and skip it if the server is not installed.
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
	return "http://" + startNginx(tb, nginx.Config{Root: root, Server: extra})
}

// NginxTLS is Nginx over TLS, with HTTP/2. It makes a certificate, which roots
// verifies.
func NginxTLS(tb testing.TB, root string, extra ...string) (baseURL string, roots *x509.CertPool) {
	tb.Helper()
	dir := tb.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots = makeCertificate(tb, cert, key)
	extra = append(extra, "ssl_certificate "+cert+";", "ssl_certificate_key "+key+";")
	return "https://" + startNginx(tb, nginx.Config{Root: root, Listen: "ssl http2", Server: extra}), roots
}

func startNginx(tb testing.TB, c nginx.Config) (addr string) {
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

// makeCertificate writes a self-signed certificate for 127.0.0.1 and its key.
func makeCertificate(tb testing.TB, certFile, keyFile string) *x509.CertPool {
	tb.Helper()
	roots, err := nginx.SelfSigned(certFile, keyFile, net.IPv4(127, 0, 0, 1))
	if err != nil {
		tb.Fatal(err)
	}
	return roots
}
