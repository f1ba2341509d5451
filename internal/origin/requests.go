package origin

import (
	"net/http"
	"slices"
	"sync"
)

// maxRequests bounds the log: an hour of a player that polls each second.
const maxRequests = 4096

// Request is one HTTP request that an Origin answered.
type Request struct {
	Method, Path string
	Range        string // the Range header; "" where there was none
	Status       int    // 0 until the answer began
	Bytes        int64  // of the answer's body, as far as it was handed to the connection
}

// requestLog keeps the last requests. The zero value is ready.
type requestLog struct {
	mu      sync.Mutex
	entries []*Request
}

func (l *requestLog) list() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Request, len(l.entries))
	for i, e := range l.entries {
		out[i] = *e
	}
	return out
}

// wrap logs the requests that h answers.
func (l *requestLog) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Request{Method: r.Method, Path: r.URL.Path, Range: r.Header.Get("Range")}
		l.mu.Lock()
		if len(l.entries) == maxRequests {
			l.entries = slices.Delete(l.entries, 0, 1)
		}
		l.entries = append(l.entries, e)
		l.mu.Unlock()
		h.ServeHTTP(&loggedWriter{ResponseWriter: w, log: l, entry: e}, r)
	})
}

// loggedWriter counts before it writes, so that a client which has its answer
// finds it in the log.
type loggedWriter struct {
	http.ResponseWriter
	log   *requestLog
	entry *Request
}

func (w *loggedWriter) WriteHeader(status int) {
	w.add(status, 0)
	w.ResponseWriter.WriteHeader(status)
}

func (w *loggedWriter) Write(p []byte) (int, error) {
	w.add(http.StatusOK, len(p))
	n, err := w.ResponseWriter.Write(p)
	w.add(http.StatusOK, n-len(p))
	return n, err
}

// add counts n bytes, and status where it is the first.
func (w *loggedWriter) add(status, n int) {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	if w.entry.Status == 0 {
		w.entry.Status = status
	}
	w.entry.Bytes += int64(n)
}
