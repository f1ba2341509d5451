package testserver

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestNginx(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "live.m3u8"), []byte("#EXTM3U\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("plain", func(t *testing.T) {
		url := Nginx(t, root, "location /gone { return 410; }")
		check(t, http.DefaultClient, url+"/live.m3u8", 200, "#EXTM3U\n", 1)
		check(t, http.DefaultClient, url+"/gone", 410, "", 1)
	})
	t.Run("tls", func(t *testing.T) {
		url, roots := NginxTLS(t, root)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		check(t, &http.Client{Transport: transport}, url+"/live.m3u8", 200, "#EXTM3U\n", 2)
	})
}

func check(t *testing.T, client *http.Client, url string, code int, body string, proto int) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != code || resp.ProtoMajor != proto {
		t.Errorf("%s: status %d over %s, want %d over HTTP/%d", url, resp.StatusCode, resp.Proto, code, proto)
	}
	if body != "" && string(got) != body {
		t.Errorf("%s: body %q, want %q", url, got, body)
	}
}
