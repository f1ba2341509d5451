package kfgrab_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// forbidden is a server on a loopback address that serve does not use. It
// catches connections that must not be made. forbidden returns its host and
// port.
func forbidden(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("there is no second address on loopback: ", err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was asked for", r.URL)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			t.Error("a connection was made")
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().String()
}

// redirectRTSP answers DESCRIBE with a redirect, and returns host and port.
func redirectRTSP(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for lines, answer := bufio.NewScanner(conn), ""; lines.Scan(); {
			switch method, _, _ := strings.Cut(lines.Text(), " "); method {
			case "OPTIONS":
				answer = "RTSP/1.0 200 OK\r\nPublic: DESCRIBE\r\n"
			case "DESCRIBE":
				answer = "RTSP/1.0 302 Found\r\nLocation: " + to + "\r\n"
			case "CSeq:":
				fmt.Fprintf(conn, "%s%s\r\n\r\n", answer, lines.Text())
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// TestDialContext: a DialContext with an allow list prevents connections to
// other hosts, wherever a stream leads.
func TestDialContext(t *testing.T) {
	list, err := allow.Parse("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	o := &kfgrab.Options{DialContext: list.DialContext}
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	elsewhere := forbidden(t)
	const media = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
	pages := map[string]string{
		"/variant.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://" + elsewhere + "/a.m3u8\n",
		"/segment.m3u8": media + "#EXTINF:2,\nhttp://" + elsewhere + "/a.ts\n",
		"/map.m3u8":     media + "#EXT-X-MAP:URI=\"http://" + elsewhere + "/a.mp4\"\n#EXTINF:2,\n/seg0.ts\n",
		"/key.m3u8":     media + "#EXT-X-KEY:METHOD=AES-128,URI=\"http://" + elsewhere + "/key\"\n#EXTINF:2,\n/seg0.ts\n",
	}
	files := http.FileServer(http.Dir(dir))
	server := serve(t, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch page, ok := pages[r.URL.Path]; {
		case ok:
			io.WriteString(w, page)
		case r.URL.Path == "/redirect.m3u8":
			http.Redirect(w, r, "http://"+elsewhere+"/a.m3u8", http.StatusFound)
		default:
			files.ServeHTTP(w, r)
		}
	}))
	samePicture(t, grab(t, server.URL+"/index.m3u8", o), read(t, filepath.Join(dir, "seg0.ts")), 0)
	urls := []string{
		"http://" + elsewhere + "/a.m3u8", "rtsp://" + elsewhere + "/", "rtsps://" + elsewhere + "/", "rtsp+ws://" + elsewhere + "/",
		server.URL + "/redirect.m3u8", "rtsp://" + redirectRTSP(t, "rtsp://"+elsewhere+"/"),
	}
	for page := range pages {
		urls = append(urls, server.URL+page)
	}
	for _, url := range urls {
		_, err := kfgrab.Grab(within(t, testTime), url, o)
		if !errors.Is(err, allow.ErrRefused) || kfgrab.ClassOf(err) != kfgrab.Network {
			t.Errorf("%s: %v", url, err)
			continue
		}
		clean(t, err, "not on the list of allowed hosts")
	}
}
