package serve

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/allow"
	"github.com/kfgrab/kfgrab/internal/neterror"
)

// httpError is an error in a request.
type httpError struct {
	status int
	detail string
}

func (e *httpError) Error() string { return e.detail }

func badRequest(format string, args ...any) error {
	return &httpError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &httpError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// refusal is an httpError of a correct request that is not answered at this time
// or for this client.
type refusal struct {
	httpError
	reason     string   // for metrics
	retry      int      // in seconds
	challenges []string // of WWW-Authenticate
}

func (e *refusal) Unwrap() error { return &e.httpError }

// streamError is an error of a stream or of the decoder.
type streamError struct {
	err   error
	name  string
	since time.Time // zero unless the stream is failing
	at    time.Time
	retry time.Duration // until it is worth another try; 0 if unknown
}

func (e *streamError) Error() string { return e.err.Error() }
func (e *streamError) Unwrap() error { return e.err }

// problem is an error in the JSON of RFC 9457.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Class is that of kfgrab.ClassOf, for errors of a stream.
	Class  string `json:"class,omitempty"`
	Stream string `json:"stream,omitempty"`
	// Failing is when the stream began to fail, RetryAfter in how many seconds to
	// ask again.
	Failing    *time.Time `json:"failing_since,omitempty"`
	RetryAfter int        `json:"retry_after,omitempty"`
}

func newProblem(err error) *problem {
	var fault *httpError
	if errors.As(err, &fault) {
		p := &problem{Title: http.StatusText(fault.status), Status: fault.status, Detail: fault.detail}
		var refused *refusal
		if errors.As(err, &refused) {
			p.RetryAfter = refused.retry
		}
		return p
	}

	class := kfgrab.ClassOf(err)
	p := &problem{Status: class.HTTPStatus(), Class: class.String(), Detail: neterror.OneLine(err.Error())}
	if errors.Is(err, allow.ErrRefused) {
		p.Status = http.StatusForbidden
	}
	if errors.Is(err, errClosed) {
		p.Status = http.StatusServiceUnavailable
	}
	p.Title = http.StatusText(p.Status)

	var stream *streamError
	if errors.As(err, &stream) {
		p.Stream = stream.name
		if !stream.since.IsZero() {
			since := stream.since.UTC().Truncate(time.Millisecond)
			p.Failing = &since
		}
		if stream.retry > 0 {
			p.RetryAfter = int((stream.retry + time.Second - 1) / time.Second)
		}
	}
	return p
}

func (p *problem) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for _, name := range []string{"ETag", "Last-Modified", "Age", "Content-Length", "Content-Range"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	extendDeadline(w)
	writeJSON(w, r, "application/problem+json", p.Status, p)
}

// writeUnmatched answers a request that matches no route, with the status of
// http.ServeMux.
func writeUnmatched(w http.ResponseWriter, r *http.Request, status int) {
	p := &problem{Title: http.StatusText(status), Status: status}
	if status == http.StatusMethodNotAllowed {
		p.Detail = r.Method + " is not allowed here: use " + w.Header().Get("Allow")
	}
	p.write(w, r)
}
