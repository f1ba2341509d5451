package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testserver"
)

const proxySecret = "hush-hush"

func startProxy(t *testing.T, login string) *testserver.Proxy {
	t.Helper()
	p, err := testserver.StartProxy(login)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// atName returns u with another host name, which only the proxy can resolve.
func atName(u *url.URL, host string) *url.URL {
	v := *u
	v.Host = net.JoinHostPort(host, u.Port())
	return &v
}

func sayBody(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "body") }

// TestProxyKinds: requests pass every kind of proxy, with and without TLS in it. The
// proxy gets the server's name.
func TestProxyKinds(t *testing.T) {
	plain := serve(t, sayBody)
	secure := httptest.NewTLSServer(http.HandlerFunc(sayBody))
	t.Cleanup(secure.Close)
	for _, login := range []string{"", "me:" + proxySecret} {
		p := startProxy(t, login)
		for _, scheme := range []string{"http", "socks5", "socks5h"} {
			for _, u := range []*url.URL{plain, parse(t, secure.URL)} {
				u := atName(u, "stream.test")
				c := client(t, u, &Options{Proxy: p.URL(scheme), InsecureTLS: true})
				doc, err := c.Get(within(t, testTime), u, 100)
				if err != nil || string(doc.Body) != "body" {
					t.Errorf("%s through %s: %v", u, scheme, err)
				}
				if got := p.Targets(); len(got) != 1 || got[0] != u.Host {
					t.Errorf("%s through %s: the proxy connected to %q", u, scheme, got)
				}
			}
		}
	}
}

// TestProxyOverTLS: a proxy can be reached over TLS.
func TestProxyOverTLS(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(sayBody))
	t.Cleanup(secure.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := testserver.ServeProxy(tls.NewListener(l, &tls.Config{Certificates: secure.TLS.Certificates}), "")
	t.Cleanup(p.Close)
	for _, u := range []*url.URL{serve(t, sayBody), parse(t, secure.URL)} {
		c := client(t, u, &Options{Proxy: p.URL("https"), InsecureTLS: true})
		if doc, err := c.Get(within(t, testTime), u, 100); err != nil || string(doc.Body) != "body" {
			t.Errorf("%s: %v", u, err)
		}
	}
	if got := p.Targets(); len(got) != 2 {
		t.Errorf("the proxy connected to %q", got)
	}
}

// TestProxyOfEnvironment: the variables that curl reads choose the proxy.
func TestProxyOfEnvironment(t *testing.T) {
	u := atName(serve(t, sayBody), "stream.test")
	p := startProxy(t, "")
	for name, tt := range map[string]struct {
		env  map[string]string
		used bool
	}{
		"HTTP_PROXY":        {map[string]string{"HTTP_PROXY": p.URL("http").String()}, true},
		"http_proxy":        {map[string]string{"http_proxy": p.URL("http").String()}, true},
		"without a scheme":  {map[string]string{"HTTP_PROXY": p.Address}, true},
		"ALL_PROXY":         {map[string]string{"ALL_PROXY": p.URL("socks5h").String()}, true},
		"all_proxy":         {map[string]string{"all_proxy": p.URL("http").String()}, true},
		"HTTP_PROXY first":  {map[string]string{"HTTP_PROXY": p.URL("http").String(), "ALL_PROXY": "socks5://127.0.0.1:1"}, true},
		"HTTPS_PROXY alone": {map[string]string{"HTTPS_PROXY": p.URL("http").String()}, false},
		"NO_PROXY":          {map[string]string{"ALL_PROXY": p.URL("http").String(), "NO_PROXY": ".test"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"} {
				t.Setenv(variable, tt.env[variable])
			}
			_, err := client(t, u, nil).Get(within(t, testTime), u, 100)
			if used := len(p.Targets()) > 0; used != tt.used || used != (err == nil) {
				t.Errorf("used: %v, %v", used, err)
			}
		})
	}
}

// TestProxyFailures: the error names a proxy that makes no connection, and neither its
// password nor the library's words.
func TestProxyFailures(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(sayBody))
	t.Cleanup(secure.Close)
	p := startProxy(t, "me:right")
	wrong := func(scheme string) *url.URL {
		u := p.URL(scheme)
		u.User = url.UserPassword("me", proxySecret)
		return u
	}
	closing := raw(t, "").Host // accepts and closes
	silent := listen(t, func(c net.Conn) { io.Copy(io.Discard, c) }).Host
	dead := func(scheme string) string { return scheme + "://me:" + proxySecret + "@127.0.0.1:1" }
	for _, tt := range []struct {
		proxy, target, want string
	}{
		{dead("http"), "http://stream.test/a", "no connection through the proxy http://xxxxx@127.0.0.1:1: connection refused"},
		{dead("https"), "http://stream.test/a", "no connection through the proxy https://xxxxx@127.0.0.1:1: connection refused"},
		{dead("socks5"), "http://stream.test/a", "no connection through the proxy socks5://xxxxx@127.0.0.1:1: connection refused"},
		{dead("socks5h"), "https://stream.test/a", "no connection through the proxy socks5h://xxxxx@127.0.0.1:1: connection refused"},
		{"http://me:" + proxySecret + "@no.invalid:3128", "https://stream.test/a", "no connection through the proxy http://xxxxx@no.invalid:3128: "},
		{wrong("http").String(), secure.URL, "status 407 Proxy Authentication Required: give the proxy's user and password in its URL"},
		{wrong("http").String(), "http://stream.test:1/", "status 407 Proxy Authentication Required: give the proxy's user and password in its URL"},
		{wrong("socks5").String(), secure.URL, "it refuses the user and the password"},
		{"socks5://" + p.Address, secure.URL, "it wants a user and a password"},
		{p.URL("http").String(), "https://stream.test:1/", "the proxy makes no connection to the server"},
		{p.URL("socks5").String(), "https://stream.test:1/", "it cannot reach the server: connection refused"},
		{"http://" + closing, secure.URL, "no connection through the proxy http://" + closing},
		{"socks5://" + closing, secure.URL, "no connection through the proxy socks5://" + closing},
		{"https://" + closing, secure.URL, "no connection through the proxy https://" + closing},
		{"socks5://" + raw(t, "HTTP/1.1 400 Bad Request\r\n\r\n").Host, secure.URL, "it does not speak SOCKS5"},
		{"http://" + silent, secure.URL, "no connection through the proxy http://" + silent + ": not done in time"},
		{"socks5://" + silent, secure.URL, "no connection through the proxy socks5://" + silent + ": not done in time"},
		{p.URL("http").String(), secure.URL, "certificate"}, // of the server, behind the proxy
	} {
		u := parse(t, tt.target)
		limit := testTime
		if strings.Contains(tt.proxy, silent) {
			limit = 200 * time.Millisecond
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), limit, errors.New("not done in time"))
		c := client(t, u, &Options{Proxy: parse(t, tt.proxy)})
		_, err := c.Get(ctx, u, 100)
		cancel()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s through %s: %v, want %s", tt.target, tt.proxy, err, tt.want)
			continue
		}
		for _, never := range []string{proxySecret, "proxyconnect", "socks connect", "context", "EOF"} {
			if strings.Contains(err.Error(), never) {
				t.Errorf("%q in %v", never, err)
			}
		}
		if tt.want == "certificate" && strings.Contains(err.Error(), "proxy") {
			t.Errorf("the proxy is not to blame: %v", err)
		}
	}
}

// TestProxyOfEnvironmentUnusable: the error does not repeat an address with a password.
func TestProxyOfEnvironmentUnusable(t *testing.T) {
	u := parse(t, "http://stream.test/a")
	for _, value := range []string{"http://me:" + proxySecret + "@%zz", "socks4://me:" + proxySecret + "@127.0.0.1", "ftp://me:" + proxySecret + "@127.0.0.1"} {
		t.Setenv("HTTP_PROXY", value)
		_, err := client(t, u, nil).Get(within(t, testTime), u, 100)
		if err == nil || !strings.Contains(err.Error(), "the proxy in the environment is not a URL of") || strings.Contains(err.Error(), proxySecret) {
			t.Errorf("%v", err)
		}
	}
}
