package serve

import (
	"net/http"
	"time"
)

// answer counts what is written, and has those who found no handler get a problem.
type answer struct {
	http.ResponseWriter
	request *http.Request
	status  int
	timeout time.Duration // for each part of what is written
	bytes   int64
	user    string // who asks, where that is known
	told    bool   // a problem has been written for what is no error of a handler
	muted   bool   // a problem has been written in place of what is still to come
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
		if a.request.Pattern == "" && !a.told && status >= http.StatusBadRequest {
			a.muted = true
			unmatched(a.ResponseWriter, a.request, status)
			return
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.muted {
		return len(p), nil
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// logged writes a line for each request, without its query, which may hold a secret.
func (s *Server) logged(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		a := &answer{ResponseWriter: w, request: r, timeout: s.times.write}
		secure(w.Header())
		defer func() {
			took := time.Since(began)
			s.metrics.answer(a, took)
			s.opt.Logger.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", a.status,
				"bytes", a.bytes, "took", took, "client", r.RemoteAddr, "user", a.user)
		}()
		h.ServeHTTP(a, r)
	})
}
