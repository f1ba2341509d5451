package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/internal/tlspin"
)

// recorder serves a file and keeps the requests.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func record(t *testing.T, handler http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.seen = append(r.seen, req)
		r.mu.Unlock()
		handler(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

func serveFile(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }
}

// TestHeadersStayAtHome: headers and credentials for the stream's own server go
// nowhere else.
func TestHeadersStayAtHome(t *testing.T) {
	t.Parallel()
	other := record(t, serveFile(testmedia.Make(t, "h264.ts")))
	home := record(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/b.ts", http.StatusFound)
	})
	c := newCommand(
		t, strings.Replace(home.URL, "://", "://user:"+secret+"@", 1)+"/a.ts?token="+secret,
		"--header", "X-Key: "+secret, "--header", "X-Key:second", "--header", "Referer: http://example.com/",
		"--user-agent", "test/1", "--format", "annexb",
	)
	c.run(0)
	if len(home.requests()) != 1 || len(other.requests()) == 0 {
		t.Fatalf("%d and %d requests", len(home.requests()), len(other.requests()))
	}
	h := home.requests()[0].Header
	user, password, _ := home.requests()[0].BasicAuth()
	if got := h.Values("X-Key"); len(got) != 2 || got[0] != secret || got[1] != "second" || user != "user" || password != secret ||
		h.Get("Referer") != "http://example.com/" || h.Get("User-Agent") != "test/1" {
		t.Errorf("at home: %v", h)
	}
	for _, r := range other.requests() {
		if r.Header.Get("X-Key") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" || r.Header.Get("User-Agent") != "test/1" {
			t.Errorf("elsewhere: %v", r.Header)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	media := testmedia.Make(t, "h264.ts")
	base, roots := testserver.NginxTLS(t, filepath.Dir(media))
	u, ca := base+"/h264.ts", authority(t, base, roots)

	c := newCommand(t, u, "--format", "annexb")
	c.run(4)
	if got := c.stderr.String(); !strings.Contains(got, "--ca FILE trusts its authority, --insecure any") {
		t.Error(got)
	}
	newCommand(t, u, "--format", "annexb", "--ca", ca).run(0)
	newCommand(t, u, "--format", "annexb", "--insecure").run(0)
	newCommand(t, "probe", u, "--ca", ca).run(0)

	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	sum := sha256.Sum256(block.Bytes)
	newCommand(t, u, "--format", "annexb", "--tls-fingerprint", tlspin.Format(sum[:])).run(0)
	c = newCommand(t, u, "--format", "annexb", "--insecure", "--tls-fingerprint", strings.Repeat("00", len(sum)))
	c.run(4)
	if got := c.stderr.String(); !strings.Contains(got, tlspin.Format(sum[:])) {
		t.Error(got)
	}
	newCommand(t, u, "--tls-fingerprint", "00").run(2)
}

// authority writes the server's self-signed certificate to a file.
func authority(t *testing.T, base string, roots *x509.CertPool) string {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(base, "https://"), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// proxyTo forwards requests for any host to one server if the password is
// right.
func proxyTo(target string) http.HandlerFunc {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+secret))
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		conn, err := net.Dial("tcp", target)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer conn.Close()
		client, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		if r.Method == http.MethodConnect {
			io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		} else {
			r.Header.Set("Connection", "close")
			r.Write(conn)
		}
		go io.Copy(conn, buffered)
		io.Copy(client, conn)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	media := testmedia.Make(t, "h264.ts")
	plain := record(t, serveFile(media))
	secure, _ := testserver.NginxTLS(t, filepath.Dir(media))
	for _, test := range []struct {
		name, url, target, password string
		code                        int
	}{
		{"forwarded", "http://stream.example/h264.ts", plain.Listener.Addr().String(), secret, 0},
		{"tunnelled", "https://stream.example/h264.ts", strings.TrimPrefix(secure, "https://"), secret, 0},
		{"refused", "http://stream.example/h264.ts", plain.Listener.Addr().String(), secret + "x", 5},
		{"refused tunnel", "https://stream.example/h264.ts", plain.Listener.Addr().String(), secret + "x", 5},
		{"dead server", "http://stream.example/h264.ts", "127.0.0.1:1", secret, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := record(t, proxyTo(test.target))
			u := strings.Replace(proxy.URL, "://", "://user:"+test.password+"@", 1)
			c := newCommand(t, test.url, "--format", "annexb", "--insecure")
			c.Env = append(os.Environ(), "HTTP_PROXY="+u, "HTTPS_PROXY="+u, "NO_PROXY=", "no_proxy=")
			c.run(test.code)
			if len(proxy.requests()) == 0 || !strings.Contains(proxy.requests()[0].Host, "stream.example") {
				t.Error("the proxy was not asked")
			}
		})
	}
	c := newCommand(t, "http://stream.example/h264.ts", "--format", "annexb")
	c.Env = append(os.Environ(), "HTTP_PROXY=http://user:"+secret+"@127.0.0.1:1", "NO_PROXY=", "no_proxy=")
	c.run(4)
}
