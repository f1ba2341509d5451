package main

import (
	"crypto/tls"
	"fmt"
	"image/jpeg"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kfgrab/kfgrab/internal/nginx"
	"github.com/kfgrab/kfgrab/internal/origin"
)

// startServe runs kfgrab serve on a free port and returns it with its URL.
func startServe(t *testing.T, dir string, args ...string) (w *watching, url string) {
	t.Helper()
	w = &watching{lines: make(chan map[string]any, 10_000)}
	w.command = newCommand(t, append([]string{"serve", "--log-format", "json", "--listen", "127.0.0.1:0"}, args...)...)
	if dir != "" {
		w.Dir = dir
	}
	w.begin()
	return w, fmt.Sprint(w.await("msg", "listening")["url"])
}

// statusOf requests a picture and returns the status. If that is 200, it checks
// that the body is a JPEG.
func statusOf(t *testing.T, url string) int {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		if _, err := jpeg.Decode(res.Body); err != nil {
			t.Error(err)
		}
	}
	return res.StatusCode
}

// TestServe: the command serves pictures until it is stopped, logs requests,
// and reveals no secrets.
func TestServe(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	stream := strings.Replace(live.HLS(origin.TS), "http://", "http://user:"+secret+"@", 1) + "?token=" + secret
	w, url := startServe(t, "", "door="+stream, "gone=http://user:"+secret+"@127.0.0.1:1/")
	if got := statusOf(t, url+"streams/door/snapshot.jpg?width=160&token="+secret); got != 200 {
		t.Errorf("%d", got)
	}
	w.await("msg", "request", "path", "/streams/door/snapshot.jpg", "status", "200")
	if got := statusOf(t, url+"streams/gone/snapshot.jpg"); got != 502 {
		t.Errorf("%d", got)
	}
	w.await("msg", "request", "path", "/streams/gone/snapshot.jpg", "status", "502")
	w.stop()
}

// TestServeReload: a changed configuration takes effect without a restart, as
// on SIGHUP. If it is broken, the old one stays.
func TestServeReload(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "cams.yaml")
	config := func(names ...string) string {
		text := "streams:\n"
		for _, name := range names {
			text += fmt.Sprintf("  - {name: %s, url: %q}\n", name, live.HLS(origin.TS))
		}
		return text
	}
	writeFile(t, path, config("a"))
	w, url := startServe(t, dir, "--config", path)
	picture := func(name string) int { return statusOf(t, url+"streams/"+name+"/snapshot.jpg?width=160") }
	if a, b := picture("a"), picture("b"); a != 200 || b != 404 {
		t.Errorf("%d, %d", a, b)
	}
	writeFile(t, path, config("b"))
	w.await("msg", "configuration read")
	if a, b := picture("a"), picture("b"); a != 404 || b != 200 {
		t.Errorf("%d, %d", a, b)
	}
	writeFile(t, path, "streams: [nonsense]\n")
	w.await("msg", "the configuration stays as it was")
	w.Process.Signal(syscall.SIGHUP)
	w.await("msg", "the configuration stays as it was")
	if b := picture("b"); b != 200 {
		t.Errorf("%d", b)
	}
	w.stop()
}

// TestServeOpen: a service open to the network answers known clients over TLS.
// Clients removed from the file lose access.
func TestServeOpen(t *testing.T) {
	t.Parallel()
	live := startOrigin(t)
	dir := t.TempDir()
	made := newCommand(t, "serve", "--hash=token")
	made.start()
	made.ends(0)
	var token, hash string
	if _, err := fmt.Sscanf(made.stdout.String(), "token %s\nhash %s\n", &token, &hash); err != nil {
		t.Fatal(err)
	}
	who := filepath.Join(dir, "who")
	writeFile(t, who, "wall:"+hash+" door\n")
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	roots, err := nginx.SelfSigned(cert, key, net.IPv4(127, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	w := &watching{lines: make(chan map[string]any, 10_000)}
	w.command = newCommand(
		t, "serve", "--log-format", "json", "--listen", "0.0.0.0:0", "--auth", who, "--tls-cert", cert, "--tls-key", key,
		"door="+live.HLS(origin.TS), "yard="+live.HLS(origin.TS),
	)
	w.begin()
	_, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(w.await("msg", "listening")["url"]), "https://"), "/"))
	status := func(path, token string) int {
		t.Helper()
		r, err := http.NewRequest("GET", "https://127.0.0.1:"+port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	const door, yard = "/streams/door/snapshot.jpg?width=160", "/streams/yard/snapshot.jpg?width=160"
	if a, b, c := status(door, token), status(yard, token), status(door, "wrong"); a != 200 || b != 403 || c != 401 {
		t.Errorf("%d, %d, %d", a, b, c)
	}
	writeFile(t, who, "wall:"+strings.Repeat("0", 10)+"\n")
	w.await("msg", "the configuration stays as it was")
	writeFile(t, who, "other:"+hash[:len(hash)-4]+"0000\n")
	w.await("msg", "configuration read")
	if a := status(door, token); a != 401 {
		t.Errorf("who may not any more: %d", a)
	}
	client.CloseIdleConnections()
	w.stop()
}

// TestServeStaysGuarded: a service open to the network rejects a configuration
// without clients, and reads a separate file of clients, too.
func TestServeStaysGuarded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, who := filepath.Join(dir, "cams.yaml"), filepath.Join(dir, "who")
	const hash = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
	const streams = "streams: [{name: door, url: \"http://127.0.0.1:1/\"}]\n"
	writeFile(t, path, "serve: {auth: [{name: wall, hash: '"+hash+"'}]}\n"+streams)
	w, url := startServe(t, dir, "--config", path, "--listen", "0.0.0.0:0")
	url = "http://127.0.0.1:" + url[strings.LastIndexByte(url, ':')+1:]
	if got := statusOf(t, url+"streams"); got != 401 {
		t.Errorf("%d", got)
	}
	writeFile(t, path, streams)
	w.await("msg", "the configuration stays as it was")
	if got := statusOf(t, url+"streams"); got != 401 {
		t.Errorf("nobody may ask, and somebody is answered: %d", got)
	}
	w.stop()

	writeFile(t, who, "wall:"+hash+"\n")
	w, _ = startServe(t, dir, "--config", path, "--listen", "0.0.0.0:0", "--auth", who)
	writeFile(t, who, "nobody")
	w.await("msg", "the configuration stays as it was")
	w.stop()
}
