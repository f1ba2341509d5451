package serve

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// handler is an http.Handler that leaves its errors to answerErrors.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes has all paths of the service. logRequests answers all others.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h handler) { mux.Handle(pattern, answerErrors(h)) }
	show := func(pattern string, h handler) { mux.Handle(pattern, answerErrors(s.drawErrors(h))) }

	handle("GET /{$}", s.showWall)
	handle("GET /streams/{name}/view", s.withStream(s.showView))
	handle("GET /assets/{file}", s.serveAsset)
	handle("GET /openapi.json", s.serveOpenAPI)

	handle("GET /streams", s.listStreams)
	handle("GET /streams/{name}", s.withStream(s.reportStream))
	show("GET /streams/{name}/snapshot", s.withStream(s.negotiateSnapshot))
	show("GET /streams/{name}/{file}", s.withStream(s.serveSnapshotFile))

	handle("GET /streams/{name}/mjpeg", s.withStream(s.serveMJPEG))
	handle("GET /streams/{name}/events", s.withStream(s.serveStreamEvents))
	handle("GET /events", s.serveAllEvents)

	handle("GET /cache", s.reportCache)
	handle("DELETE /cache", s.clearCache)
	handle("DELETE /cache/{name}", s.withStream(s.clearStream))

	show("GET /snapshot", s.withGuest(s.negotiateSnapshot))
	for _, ending := range endings {
		show("GET /snapshot"+ending, s.withGuest(s.serveGuestFile))
	}
	show("GET /latest.jpg", s.withGuestOr(s.withLegacyStream(s.legacySnapshot), s.legacySnapshot))
	show("GET /stream/snapshot", s.withGuestOr(s.withLegacyStream(s.legacySnapshot), s.legacySnapshot))
	handle("GET /stream/view", s.withLegacyStream(s.legacyView))
	handle("GET /stream/info", s.withLegacyStream(s.reportStream))
	handle("GET /stream/cache", s.withLegacyStream(s.legacyCache))
	handle("GET /stream/cache/clear", s.withLegacyStream(s.legacyClear))
	handle("POST /stream/cache/clear", s.withLegacyStream(s.legacyClear))

	handle("GET /healthz", s.reportHealth)
	handle("GET /readyz", s.reportReadiness)
	handle("GET /metrics", s.forUnrestricted(s.serveMetrics))
	return mux
}

// answerErrors answers with the error of h, unless the client has left.
func answerErrors(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil || (errors.Is(err, context.Canceled) && r.Context().Err() != nil) {
			return
		}
		newProblem(err).write(w, r)
	})
}

// streamHandler is a handler of requests for one stream.
type streamHandler func(http.ResponseWriter, *http.Request, *camera) error

// withStream calls h with the stream that the path names.
func (s *Server) withStream(h streamHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.findStream(r, r.PathValue("name"))
		if err != nil {
			return err
		}
		return h(w, r, c)
	}
}

// forUnrestricted refuses clients that may not see all streams.
func (s *Server) forUnrestricted(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if visibleNames(r.Context()) != nil {
			return &httpError{http.StatusForbidden, "only clients that may see all streams can use this"}
		}
		return h(w, r)
	}
}

// logRequests logs a line for each request, without its query, which may hold a
// secret.
func (s *Server) logRequests(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		a := &answer{ResponseWriter: w, request: r, timeout: s.times.write}
		setSecurityHeaders(w.Header())
		defer func() {
			took := time.Since(began)
			s.metrics.countAnswer(a, took)
			s.opt.Logger.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", a.status,
				"bytes", a.bytes, "took", took, "client", r.RemoteAddr, "user", a.user)
		}()
		h.ServeHTTP(a, r)
	})
}
