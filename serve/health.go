package serve

import "net/http"

// healthy answers GET /healthz: the process is there.
func (s *Server) healthy(w http.ResponseWriter, r *http.Request) error {
	return text(w, "ok\n")
}

// ready answers GET /readyz: requests are taken, which they are until it shuts down.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-s.closing:
		return errClosed
	default:
		return text(w, "ready\n")
	}
}

func text(w http.ResponseWriter, line string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte(line)) // who does not take it has gone
	return nil
}
