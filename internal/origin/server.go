package origin

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// headerTimeout frees a connection whose client says nothing.
const headerTimeout = 10 * time.Second

// webServer serves the ladders over HTTP.
type webServer struct {
	base    string // http://127.0.0.1:PORT
	content content
	line    timeline
	now     func() time.Time
	log     requestLog
	server  *http.Server
	served  sync.WaitGroup // Serve itself and every connection
}

func startWeb(c content, line timeline) (*webServer, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	w := &webServer{base: "http://" + ln.Addr().String(), content: c, line: line, now: time.Now}
	w.server = &http.Server{
		Handler:           w.log.wrap(w.routes()),
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnState:         w.track,
	}
	w.served.Go(func() { _ = w.server.Serve(ln) })
	return w, nil
}

// track counts the connections' goroutines, for which http.Server.Close does
// not wait.
func (w *webServer) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		w.served.Add(1)
	case http.StateClosed:
		w.served.Done()
	}
}

func (w *webServer) close() {
	_ = w.server.Close()
	w.served.Wait()
}

func (w *webServer) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{kind}/"+masterName, w.master)
	mux.HandleFunc("GET /{kind}/{rendition}/"+indexName, w.media)
	mux.HandleFunc("GET /{kind}/{rendition}/"+initName, w.initSegment)
	mux.HandleFunc("GET /{kind}/{rendition}/{segment}", w.segment)
	return mux
}

func (w *webServer) master(rw http.ResponseWriter, r *http.Request) {
	variants, ok := w.content.variants[Kind(r.PathValue("kind"))]
	if !ok {
		http.NotFound(rw, r)
		return
	}
	servePlaylist(rw, r, masterPlaylist(variants), w.line.start)
}

func (w *webServer) media(rw http.ResponseWriter, r *http.Request) {
	kind := Kind(r.PathValue("kind"))
	if !w.content.has(kind, r.PathValue("rendition")) {
		http.NotFound(rw, r)
		return
	}
	now := w.now()
	servePlaylist(rw, r, mediaPlaylist(kind, w.line, now), w.line.published(w.line.newest(now)))
}

func (w *webServer) initSegment(rw http.ResponseWriter, r *http.Request) {
	rendition := r.PathValue("rendition")
	if Kind(r.PathValue("kind")) != FMP4 || !w.content.has(FMP4, rendition) {
		http.NotFound(rw, r)
		return
	}
	serveFile(rw, r, w.content.initFile(rendition), "video/mp4", w.line.start)
}

func (w *webServer) segment(rw http.ResponseWriter, r *http.Request) {
	kind, rendition := Kind(r.PathValue("kind")), r.PathValue("rendition")
	n, ok := segmentNumber(kind, r.PathValue("segment"))
	if !ok || !w.content.has(kind, rendition) || !w.line.available(n, w.now()) {
		http.NotFound(rw, r)
		return
	}
	mime := "video/mp2t"
	if kind == FMP4 {
		mime = "video/mp4"
	}
	serveFile(rw, r, w.content.segmentFile(kind, rendition, w.line.source(n)), mime, w.line.published(n))
}

func servePlaylist(rw http.ResponseWriter, r *http.Request, text string, modified time.Time) {
	rw.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	rw.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(rw, r, "", modified, strings.NewReader(text))
}

func serveFile(rw http.ResponseWriter, r *http.Request, path, mime string, modified time.Time) {
	f, err := os.Open(path)
	if err != nil {
		http.Error(rw, "the origin's cache was deleted", http.StatusInternalServerError)
		return
	}
	defer f.Close()
	rw.Header().Set("Content-Type", mime)
	http.ServeContent(rw, r, "", modified, f)
}
