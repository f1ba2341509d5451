package serve

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// answer counts the bytes written. If no route matches the request, it writes a
// problem in place of http.ServeMux's text.
type answer struct {
	http.ResponseWriter
	request *http.Request
	status  int
	timeout time.Duration // for each part of what is written
	bytes   int64
	user    string // the client's name, if known
	refused bool   // a problem is being written before any route was looked for
	muted   bool   // a problem has been written in place of what follows
}

// Unwrap serves http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
		if a.request.Pattern == "" && !a.refused && status >= http.StatusBadRequest {
			a.muted = true
			writeUnmatched(a.ResponseWriter, a.request, status)
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

// The values of headers of every answer are shared, since nothing changes them.
var (
	noSniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	// contentPolicy is for answers that are not pages, but can be viewed as one.
	contentPolicy = []string{"default-src 'none'; img-src 'self'; media-src 'self'; frame-ancestors 'self'"}
	frameOptions  = []string{"SAMEORIGIN"} // for browsers that don't know frame-ancestors
)

func setSecurityHeaders(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = contentPolicy
	h["X-Frame-Options"] = frameOptions
}

// extendDeadline gives the answer its whole time from now on, however long the
// grab took.
func extendDeadline(w http.ResponseWriter) {
	timeout := writeTimeout
	if a, ok := w.(*answer); ok {
		timeout = a.timeout
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout)) // not every writer has one
}

// suspendDeadline leaves the answer without a deadline until extendDeadline.
// The deadline of HTTP/2 would also end requests that only wait.
func suspendDeadline(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 {
		http.NewResponseController(w).SetWriteDeadline(time.Time{}) // not every writer has one
	}
}

// writeReport answers with v as JSON, which is not to be cached.
func writeReport(w http.ResponseWriter, r *http.Request, v any) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, r, "application/json", http.StatusOK, v)
}

func writeJSON(w http.ResponseWriter, r *http.Request, contentType string, status int, v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // v has one of our own types
	}
	w.Header().Set("Content-Type", contentType)
	writeBody(w, r, status, append(data, '\n'))
}

func writeText(w http.ResponseWriter, r *http.Request, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	writeBody(w, r, http.StatusOK, []byte(line))
}

func writeBody(w http.ResponseWriter, r *http.Request, status int, data []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(data) // on an error, the client has gone
	}
}
