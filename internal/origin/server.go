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

// headerTimeout closes connections of silent clients.
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
		Handler:           w.log.logRequests(w.newRoutes()),
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnState:         w.trackConnection,
	}
	w.served.Go(func() { _ = w.server.Serve(ln) })
	return w, nil
}

// trackConnection counts connections: http.Server.Close does not wait for their goroutines.
func (w *webServer) trackConnection(_ net.Conn, state http.ConnState) {
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

func (w *webServer) newRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{kind}/"+masterName, w.serveMaster)
	mux.HandleFunc("GET /{kind}/{rendition}/"+indexName, w.serveMedia)
	mux.HandleFunc("GET /{kind}/{rendition}/"+initName, w.serveInit)
	mux.HandleFunc("GET /{kind}/{rendition}/{segment}", w.serveSegment)
	return mux
}

func (w *webServer) serveMaster(rw http.ResponseWriter, r *http.Request) {
	variants, ok := w.content.variants[Kind(r.PathValue("kind"))]
	if !ok {
		http.NotFound(rw, r)
		return
	}
	servePlaylist(rw, r, masterPlaylist(variants), w.line.start)
}

func (w *webServer) serveMedia(rw http.ResponseWriter, r *http.Request) {
	kind := Kind(r.PathValue("kind"))
	if !w.content.hasRendition(kind, r.PathValue("rendition")) {
		http.NotFound(rw, r)
		return
	}
	now := w.now()
	servePlaylist(rw, r, mediaPlaylist(kind, w.line, now), w.line.publishedAt(w.line.newestSegment(now)))
}

func (w *webServer) serveInit(rw http.ResponseWriter, r *http.Request) {
	rendition := r.PathValue("rendition")
	if Kind(r.PathValue("kind")) != FMP4 || !w.content.hasRendition(FMP4, rendition) {
		http.NotFound(rw, r)
		return
	}
	serveFile(rw, r, w.content.initFile(rendition), "video/mp4", w.line.start)
}

func (w *webServer) serveSegment(rw http.ResponseWriter, r *http.Request) {
	kind, rendition := Kind(r.PathValue("kind")), r.PathValue("rendition")
	n, ok := segmentNumber(kind, r.PathValue("segment"))
	if !ok || !w.content.hasRendition(kind, rendition) || !w.line.isAvailable(n, w.now()) {
		http.NotFound(rw, r)
		return
	}
	mime := "video/mp2t"
	if kind == FMP4 {
		mime = "video/mp4"
	}
	serveFile(rw, r, w.content.segmentFile(kind, rendition, w.line.loopIndex(n)), mime, w.line.publishedAt(n))
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
