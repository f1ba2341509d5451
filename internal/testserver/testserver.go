// Package testserver runs servers that nobody here wrote, for tests.
//
// [Nginx] serves a directory over HTTP on loopback, [NginxTLS] over HTTPS and
// HTTP/2. Both end with the test, and skip it where nginx is absent.
package testserver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Nginx serves the files under root and returns the server's URL without a
// trailing slash. The extra lines are directives of nginx's server block, such
// as "max_ranges 0;" or "location /private/ { return 401; }".
func Nginx(tb testing.TB, root string, extra ...string) (baseURL string) {
	tb.Helper()
	return "http://" + start(tb, root, "", extra)
}

// NginxTLS is Nginx over TLS, with HTTP/2 offered. The certificate is made for
// the occasion; roots verifies it.
func NginxTLS(tb testing.TB, root string, extra ...string) (baseURL string, roots *x509.CertPool) {
	tb.Helper()
	dir := tb.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots = certificate(tb, cert, key)
	extra = append(extra, "ssl_certificate "+cert+";", "ssl_certificate_key "+key+";")
	return "https://" + start(tb, root, "ssl http2", extra), roots
}

// The listening socket is made here and inherited, as nginx does for itself
// when it changes its binary: no port to guess, and no start to wait for.
const config = `
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log;
%[6]s
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	types {
		application/vnd.apple.mpegurl m3u8;
		video/mp2t ts;
		video/mp4 mp4 m4s;
		text/html html;
	}
	default_type application/octet-stream;
	server {
		listen %[2]s %[3]s;
		root %[4]s;
		%[5]s
	}
}
`

func start(tb testing.TB, root, listen string, extra []string) (addr string) {
	tb.Helper()
	binary := find(tb)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		tb.Fatal(err)
	}
	defer socket.Close()
	root, err = filepath.Abs(root)
	if err != nil {
		tb.Fatal(err)
	}
	addr = l.Addr().String()
	prefix := tb.TempDir()
	file := filepath.Join(prefix, "nginx.conf")
	text := fmt.Sprintf(config, prefix, addr, listen, root, strings.Join(extra, "\n\t\t"), user())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	run(tb, socket, binary, "-p", prefix, "-c", file, "-e", filepath.Join(prefix, "error.log"))
	return addr
}

// run starts nginx with its listening socket as descriptor 3, and ends it with
// the test.
func run(tb testing.TB, socket *os.File, binary string, args ...string) {
	tb.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			tb.Errorf("nginx: %v\n%s", err, stderr.String())
		}
	})
}

// user keeps root's workers root: test directories are closed to others.
func user() string {
	if os.Geteuid() == 0 {
		return "user root;"
	}
	return ""
}

// find looks in sbin too, which is not in everybody's PATH.
func find(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	tb.Skip("nginx is not installed: make deps")
	return ""
}

// certificate writes a self-signed certificate for 127.0.0.1 and its key.
func certificate(tb testing.TB, certFile, keyFile string) *x509.CertPool {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "127.0.0.1"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	writePEM(tb, certFile, "CERTIFICATE", der)
	writePEM(tb, keyFile, "PRIVATE KEY", private)
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return roots
}

func writePEM(tb testing.TB, file, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
}
