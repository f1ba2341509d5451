package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

// StatusError is a server's refusal of a request.
type StatusError struct {
	Code   int    // RFC 2326 7.1.1: 401, 404, 454, …
	Reason string // as the server words it
	Method string // of the request: "DESCRIBE"
	URL    string // of the stream, redacted; another than was asked for after a redirect
	Hint   string // what to do about it, or ""
}

// Error gives one line, without the URL.
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

// hint says what a user can do about a status code.
func hint(code int, withCredentials bool) string {
	switch code {
	case 401:
		if withCredentials {
			return "the server does not take this user name and password"
		}
		return "give user name and password in the URL, as rtsp://user:password@host/path"
	case 403:
		return "this user may not see the stream"
	case 404:
		return "the server has no stream of this path, or it is not running"
	case 453:
		return "the server is at its limit of bandwidth or of viewers"
	case 454:
		return "the server has dropped the session, try again"
	case 461:
		return "the server does not send over this transport, another may do"
	case 503:
		return "the server is overloaded or the stream is not running"
	}
	return ""
}

// protocolError is what gortsplib has against a server's answer. Its own error
// is not wrapped, as it may show a URL with the password in it.
func protocolError(err error) error {
	return fmt.Errorf("%w: %s", keyframe.ErrCorrupt, oneLine(err.Error()))
}

// oneLine shortens a server's text to one line for an error and masks its URLs.
func oneLine(text string) string { return neterror.Line(redact.Text(text)) }

// fail makes an error of gortsplib, or of the connection beneath it, ours.
func (s *session) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", s.method, context.Cause(ctx))
	}
	var status liberrors.ErrClientBadStatusCode
	switch {
	case errors.As(err, &status):
		code := int(status.Code)
		return &StatusError{
			Code: code, Reason: oneLine(status.Message), Method: string(s.method),
			URL: redact.URL(s.url.String()), Hint: hint(code, s.url.User != nil),
		}
	case errors.As(err, &liberrors.ErrClientAuthSetup{}):
		return &StatusError{
			Code: http.StatusUnauthorized, Method: string(s.method), URL: redact.URL(s.url.String()),
			Hint: "the server knows neither Basic nor Digest authentication",
		}
	case timedOut(err):
		return fmt.Errorf("%s: no answer from the server: %w", s.method, os.ErrDeadlineExceeded)
	case errors.As(err, &liberrors.ErrClientServerRequestedUDP{}):
		return fmt.Errorf("%w: the server sends over UDP only", keyframe.ErrUnsupported)
	case errors.As(err, &liberrors.ErrClientServerRequestedTCP{}):
		return fmt.Errorf("%w: the server sends over TCP only", keyframe.ErrUnsupported)
	case s.transport == Multicast && errors.As(err, &liberrors.ErrClientTransportHeaderInvalidDelivery{}):
		return fmt.Errorf("%w: the server does not send to groups", keyframe.ErrUnsupported)
	case s.client.Tunnel != gortsplib.TunnelNone && s.method == connecting && !fromNetwork(err) && !errors.Is(err, io.EOF):
		return s.refusedTunnel(err)
	case errors.Is(err, io.EOF):
		return &networkError{s.method, io.ErrUnexpectedEOF}
	case fromNetwork(err):
		return &networkError{s.method, err}
	}
	return protocolError(err)
}

// networkError is a connection's. A failure to connect speaks for itself.
type networkError struct {
	method base.Method
	err    error
}

func (e *networkError) Error() string {
	if e.method == connecting {
		return neterror.Describe(e.err)
	}
	return string(e.method) + ": " + neterror.Describe(e.err)
}

func (e *networkError) Unwrap() error { return e.err }

// refusedTunnel makes an error of an HTTP server's answer to a tunnel, of which
// gortsplib tells the status in words, and for WebSocket none.
func (s *session) refusedTunnel(err error) error {
	var code int
	if n, _ := fmt.Sscanf(err.Error(), "bad status code: %d", &code); n == 1 {
		return &StatusError{
			Code: code, Reason: http.StatusText(code), Method: "GET", URL: redact.URL(s.url.String()),
			Hint: "the server makes no tunnel through HTTP here",
		}
	}
	return fmt.Errorf("%w: the server makes no tunnel here (%s)", keyframe.ErrUnsupported, oneLine(err.Error()))
}

func timedOut(err error) bool {
	return errors.As(err, &liberrors.ErrClientRequestTimedOut{}) || errors.As(err, &liberrors.ErrClientTCPTimeout{}) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// fromNetwork says whether err is of the socket or of TLS. Those name addresses
// at most.
func fromNetwork(err error) bool {
	var network *net.OpError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || errors.As(err, &network) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
