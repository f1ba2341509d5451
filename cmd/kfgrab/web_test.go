package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// web is a script's HTTP server:
//
//	/w/…         the files of the script's directory
//	/status/N/…  an answer with status N
//	/loop/…      a redirect to itself
//	/huge/…      a playlist of 100 MB; /huge/length/… also declares its length
//	/silent/…    no answer
//	/slow/…      the script's files, one byte a second after the first 100
//	/short/…     the script's files, cut off after 3000 of the bytes promised
//	/whole/…     the script's files, without ranges
//	/private/…   the script's files, for the user me with the password secret, or for
//	             whoever sends the secret in X-Key
type web struct {
	url    string
	server *httptest.Server
	mute   net.Listener // accepts no connection; the kernel does

	mu    sync.Mutex
	paths []string // requested
}

type webKey struct{}

func newWeb(dir string) (*web, error) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &web{mute: mute}
	files := http.FileServer(http.Dir(dir))
	mux := http.NewServeMux()
	mux.Handle("/w/", http.StripPrefix("/w", files))
	mux.HandleFunc("/private/", func(rw http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if (user != "me" || password != secret) && r.Header.Get("X-Key") != secret {
			rw.Header().Set("WWW-Authenticate", `Basic realm="cameras"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.StripPrefix("/private", files).ServeHTTP(rw, r)
	})
	mux.HandleFunc("/status/{code}/{name}", serveStatus)
	mux.HandleFunc("/loop/{name}", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, r.URL.Path+"?token="+secret, http.StatusFound)
	})
	mux.HandleFunc("/huge/{name}", serveHuge)
	mux.HandleFunc("/huge/length/{name}", serveHuge)
	mux.HandleFunc("/silent/{name}", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/slow/{name}", func(rw http.ResponseWriter, r *http.Request) { serveSlowly(rw, r, dir) })
	mux.HandleFunc("/short/{name}", func(rw http.ResponseWriter, r *http.Request) { serveShort(rw, r, dir) })
	mux.HandleFunc("/whole/{name}", func(rw http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		http.ServeFile(rw, r, filepath.Join(dir, r.PathValue("name")))
	})
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.paths = append(w.paths, r.URL.Path)
		w.mu.Unlock()
		mux.ServeHTTP(rw, r)
	}))
	w.url = w.server.URL
	return w, nil
}

func (w *web) close() {
	w.server.CloseClientConnections()
	w.server.Close()
	w.mute.Close()
}

func serveStatus(rw http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil {
		code = http.StatusBadRequest
	}
	rw.Header().Set("Content-Type", "text/html")
	rw.WriteHeader(code)
	io.WriteString(rw, "<!DOCTYPE html><title>Error</title>\n<p>"+secret)
}

func serveHuge(rw http.ResponseWriter, r *http.Request) {
	const size = 100_000_000
	if strings.Contains(r.URL.Path, "length") {
		rw.Header().Set("Content-Length", strconv.Itoa(size))
	}
	line := strings.Repeat("#EXTINF:6,\nsegment.ts\n", 1000)
	io.WriteString(rw, "#EXTM3U\n#EXT-X-TARGETDURATION:6\n")
	for n := 0; n < size; n += len(line) {
		if _, err := io.WriteString(rw, line); err != nil {
			return
		}
	}
}

func serveSlowly(rw http.ResponseWriter, r *http.Request, dir string) {
	data, err := os.ReadFile(filepath.Join(dir, r.PathValue("name")))
	if err != nil {
		http.NotFound(rw, r)
		return
	}
	const atOnce = 100
	flush := http.NewResponseController(rw)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for part := data[:atOnce]; ; part = part[:1] {
		rw.Write(part)
		flush.Flush()
		data = data[len(part):]
		part = data
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

func serveShort(rw http.ResponseWriter, r *http.Request, dir string) {
	data, err := os.ReadFile(filepath.Join(dir, r.PathValue("name")))
	if err != nil {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Length", fmt.Sprint(len(data)))
	rw.Write(data[:3000])
}

// cmdRequests is "requests N PATH": PATH was requested N times.
func cmdRequests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: requests N PATH")
	}
	w := ts.Value(webKey{}).(*web)
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, path := range w.paths {
		if path == args[1] {
			n++
		}
	}
	if fmt.Sprint(n) != args[0] {
		ts.Fatalf("%s was asked for %d times; all: %q", args[1], n, w.paths)
	}
}
