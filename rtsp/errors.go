package rtsp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/redact"
)

// StatusError is a server's refusal of a request.
type StatusError struct {
	Code   int    // RFC 2326 7.1.1: 401, 404, 454, …
	Reason string // in the server's words
	Method string // of the request: "DESCRIBE"
	URL    string // of the stream, redacted; after a redirect, of its target
	Hint   string // what to do about it, or ""
}

// Error returns one line without the URL.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: %d", e.Method, e.Code)
	if e.Reason != "" {
		s += " " + e.Reason
	}
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// statusHint returns advice to the user about a status code. See login.hint for 401
// and session.transportHint for 461.
func statusHint(code int) string {
	switch code {
	case 400:
		return "the server does not understand the request: check the path of the URL"
	case 403:
		return "this user may not see the stream"
	case 404:
		return "the server has no stream of this path, or it is not running"
	case 405, 455, 501:
		return "the server plays no stream at this URL"
	case 407:
		return "the proxy wants a user and a password"
	case 410:
		return "the server has no stream of this path any more"
	case 453:
		return "the server is at its limit of bandwidth or of viewers"
	case 454:
		return "the server has dropped the session, try again"
	case 505:
		return "the server speaks another version of RTSP than 1.0"
	case 500, 502, 504:
		return "the server failed"
	case 503:
		return "the server is overloaded or the stream is not running"
	}
	return ""
}

// oneLine makes a server's text fit for an error: one short line, with masked URLs.
func oneLine(text string) string { return neterror.Line(redact.Text(text)) }

// networkError is an error of the connection.
type networkError struct {
	method base.Method
	err    error
}

// Error names the method, except for a failure to connect.
func (e *networkError) Error() string {
	if e.method == connecting {
		return neterror.Describe(e.err)
	}
	return string(e.method) + ": " + neterror.Describe(e.err)
}

func (e *networkError) Unwrap() error { return e.err }

// isNetworkError reports whether err is of the socket or of TLS. The texts of
// those show addresses at most.
func isNetworkError(err error) bool {
	var network *net.OpError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || errors.As(err, &network) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
