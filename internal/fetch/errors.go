package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

// ErrTooLarge is wrapped if a document exceeds the limit of Client.Get. It wraps
// keyframe.ErrUnsupported.
var ErrTooLarge = fmt.Errorf("%w: document too large", keyframe.ErrUnsupported)

// Error is a transfer that failed: the server could not be reached, spoke no
// proper HTTP, or broke off. A body shorter than promised is such a failure,
// with Err io.ErrUnexpectedEOF, and not keyframe.ErrCorrupt: it is the
// transfer that is at fault, and the same request may succeed the next time.
// Err is never io.EOF.
type Error struct {
	URL string // redacted
	Msg string // one line
	Err error  // nil where the transport had no error of its own
}

func (e *Error) Error() string { return e.URL + ": " + e.Msg }

// Unwrap returns the transport's error.
func (e *Error) Unwrap() error { return e.Err }

// Address returns the URL that the error's text begins with.
func (e *Error) Address() string { return e.URL }

// StatusError is an answer other than success, or a redirect that leads nowhere.
type StatusError struct {
	Code      int    // RFC 9110 15
	URL       string // redacted
	SentAuth  bool   // credentials were sent with the request
	Challenge string // scheme of WWW-Authenticate, as "Digest"; "" where there is none
	Proxy     bool   // URL is that of a proxy, which makes no connection
}

// unknownDigest is the Challenge of a server whose Digest cannot be answered.
const unknownDigest = "an unknown kind of Digest"

// Address returns the URL that the error's text begins with.
func (e *StatusError) Address() string { return e.URL }

// Error explains what the answer means for a stream, and what to do about it.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: status %d", e.URL, e.Code)
	if text := http.StatusText(e.Code); text != "" {
		s += " " + text
	}
	if advice := e.advice(); advice != "" {
		s += ": " + advice
	}
	return s
}

func (e *StatusError) canAnswer() bool {
	return e.Challenge == "" || strings.EqualFold(e.Challenge, "Basic") || strings.EqualFold(e.Challenge, "Digest")
}

func (e *StatusError) advice() string {
	switch {
	case e.Code == http.StatusProxyAuthRequired:
		return "give the proxy's user and password in its URL"
	case e.Proxy:
		return "the proxy makes no connection to the server"
	case e.Code == http.StatusUnauthorized && !e.canAnswer():
		return "the server wants " + e.Challenge + " authentication, and kfgrab knows only Basic and Digest (RFC 7616)"
	case e.Code == http.StatusUnauthorized && e.SentAuth:
		return "the credentials were refused"
	case e.Code == http.StatusUnauthorized:
		return "give user and password in the URL"
	case e.Code == http.StatusForbidden:
		return "access refused: a token may have expired, a header such as Referer may be missing, or the server wants another User-Agent"
	case e.Code == http.StatusBadRequest, e.Code == http.StatusUpgradeRequired:
		return "the server does not understand the request: is the URL complete, and does the server want https://?"
	case e.Code == http.StatusMisdirectedRequest:
		return "the server does not serve this host here: check host and port"
	case e.Code == http.StatusUnavailableForLegalReasons:
		return "the server may not deliver the stream to this country"
	case e.Code == http.StatusRequestTimeout:
		return "the server waited too long for the request; try again"
	case e.Code == http.StatusNotFound, e.Code == http.StatusGone:
		return "the stream or segment is not there, or no longer"
	case e.Code == http.StatusRequestedRangeNotSatisfiable:
		return "the byte range lies outside the resource"
	case e.Code == http.StatusTooManyRequests, e.Code == http.StatusServiceUnavailable:
		return "the server is busy; try later"
	case e.Code >= 500:
		return "the server failed"
	case e.Code >= 300 && e.Code < 400:
		return "not a redirect that can be followed"
	}

	return ""
}

// addressError puts the URL in front of an error that is not a failed transfer, such as
// the end of the context.
type addressError struct {
	url string // redacted
	err error
}

func (e *addressError) Error() string   { return e.url + ": " + e.err.Error() }
func (e *addressError) Unwrap() error   { return e.err }
func (e *addressError) Address() string { return e.url }

// atURL puts u in front of err.
func atURL(u *url.URL, err error) error { return &addressError{redact.URL(u.String()), err} }

// transferError returns the error for a failed transfer of u.
func transferError(ctx context.Context, u *url.URL, err error) error {
	var proxy *neterror.ProxyError
	switch {
	case errors.As(err, &proxy) && ctx.Err() != nil:
		return atURL(u, proxy)
	case errors.As(err, &proxy):
		return &Error{URL: redact.URL(u.String()), Msg: proxy.Error(), Err: proxy}
	case ctx.Err() != nil:
		return atURL(u, context.Cause(ctx))
	}

	var refusal *StatusError
	if errors.As(err, &refusal) {
		return refusal
	}
	if errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, keyframe.ErrUnsupported) {
		return atURL(u, err)
	}

	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{URL: redact.URL(u.String()), Msg: describeFailure(err), Err: err}
}

// protocolError returns the error for a server that breaks the rules of HTTP.
func protocolError(u *url.URL, format string, args ...any) error {
	return &Error{URL: redact.URL(u.String()), Msg: fmt.Sprintf(format, args...)}
}
