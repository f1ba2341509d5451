package origin

import (
	"net/http"
	"slices"
	"sync"
)

// maxRequests is an hour of a player that polls each second.
const maxRequests = 4096

// Request is one HTTP request that an Origin answered.
type Request struct {
	Method, Path string
	Range        string // the Range header; "" if there was none
	Status       int    // 0 before the answer
	Bytes        int64  // of the body that was written to the connection
}

// requestLog keeps the last requests. The zero value is empty.
type requestLog struct {
	mu      sync.Mutex
	entries []*Request
}

func (l *requestLog) copyRequests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Request, len(l.entries))
	for i, e := range l.entries {
		out[i] = *e
	}
	return out
}

// logRequests logs the requests that h answers.
func (l *requestLog) logRequests(h http.Handler) http.Handler {
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

// loggedWriter counts before it writes, so that an answer is in the log when the client has it.
type loggedWriter struct {
	http.ResponseWriter
	log   *requestLog
	entry *Request
}

func (w *loggedWriter) WriteHeader(status int) {
	w.countAnswer(status, 0)
	w.ResponseWriter.WriteHeader(status)
}

func (w *loggedWriter) Write(p []byte) (int, error) {
	w.countAnswer(http.StatusOK, len(p))
	n, err := w.ResponseWriter.Write(p)
	w.countAnswer(http.StatusOK, n-len(p))
	return n, err
}

// countAnswer counts n bytes, and the status if it is the first.
func (w *loggedWriter) countAnswer(status, n int) {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	if w.entry.Status == 0 {
		w.entry.Status = status
	}
	w.entry.Bytes += int64(n)
}
