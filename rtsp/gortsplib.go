package rtsp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/keyframe"
)

// This file holds every trick that kfgrab plays on gortsplib, because the library
// has no option for it. All were tested with v5.6.5. Each names the test that
// fails when the library changes; TestGortsplibVersion fails when go.mod names
// another version, as a reminder to read this file.

// newClient returns a client whose hooks report to s. The hooks run in
// gortsplib's goroutine; what they share with the session is in s.talk.
//
// AnyPortEnable accepts datagrams from other ports than announced: some cameras
// leave server_port out, or send from another port. gortsplib still checks their
// address (TestAuto).
func (s *session) newClient(ctx context.Context) *gortsplib.Client {
	log := s.opt.Logger
	return &gortsplib.Client{
		Scheme: s.url.Scheme, Host: s.url.Host, UserAgent: s.opt.UserAgent,
		ReadTimeout: readTimeout(ctx), AnyPortEnable: true,
		DialContext: s.dial, DialTLSContext: s.dial, ListenPacket: s.listenPacket,
		OnRequest: s.onRequest, OnResponse: s.onResponse, OnServerRequest: tolerateRequest,
		OnTransportSwitch: func(err error) { log.Debug("rtsp transport", "why", err) },
		OnPacketsLost:     func(n uint64) { log.Debug("rtsp packets lost", "count", n) },
		OnDecodeError:     func(err error) { log.Debug("rtsp packet refused", "why", err) },
	}
}

const (
	// silence is how long a server may send nothing where ctx sets no deadline.
	silence = 10 * time.Second

	// forever is longer than the time since 1970, from which gortsplib counts
	// the silence before the first datagram.
	forever = 250 * 365 * 24 * time.Hour
)

// readTimeout bounds a server's silence in gortsplib, which knows no context. It
// is the whole time of ctx and a second, so that ctx ends the wait (TestMute,
// TestDeadline, TestReadTimeout).
func readTimeout(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(time.Until(end), 0) + time.Second
	}
	return silence
}

// onRequest sees every request before it is sent: it counts requests, and
// remembers which one an error is about. PAUSE ends the play, and with it the
// timeout that onResponse set (TestRoundTrips).
func (s *session) onRequest(r *base.Request) {
	if !s.talk.noteRequest(r.Method, s.known != nil) {
		return
	}

	s.meter.AddRequest()
	s.opt.Logger.Debug("rtsp request", "method", r.Method)
	if r.Method == base.Pause {
		s.client.ReadTimeout = silence
	}
}

// onResponse sees every answer before gortsplib does, and changes some. See
// conversation.noteResponse.
//
// Once the play of datagrams has begun, there is no read timeout: gortsplib gives
// the first datagram three seconds, or one second in a group, and a camera may
// take longer (TestLateDatagrams).
func (s *session) onResponse(r *base.Response) {
	if datagrams := s.talk.noteResponse(r); datagrams {
		s.client.ReadTimeout = forever
	}
}

// tolerateRequest makes gortsplib answer every request of the server with 200,
// except TEARDOWN. Some servers ask GET_PARAMETER of their viewers or ANNOUNCE a
// changed SDP; gortsplib would end the session over anything but OPTIONS
// (TestStreamEnds).
func tolerateRequest(r *base.Request) {
	if r.Method != base.Teardown {
		r.Method = base.Options
	}
}

// translateError turns an error of gortsplib, or of the connection beneath it,
// into one of ours. gortsplib's own is never wrapped, as its text may show a URL
// with a password (TestNoPicture).
func (s *session) translateError(ctx context.Context, err error) error {
	seen := s.talk.read()
	method := seen.method
	var proxy *neterror.ProxyError
	if errors.As(err, &proxy) {
		reason := cmp.Or(context.Cause(ctx), proxy.Err) // gortsplib's own context is canceled first
		return &networkError{connecting, &neterror.ProxyError{URL: proxy.URL, Err: reason}}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}

	var status liberrors.ErrClientBadStatusCode
	var refusal *StatusError
	switch {
	case errors.As(err, &refusal) || errors.Is(err, keyframe.ErrUnsupported) || errors.Is(err, keyframe.ErrCorrupt):
		return err // of the filter or of a tunnel
	case errors.As(err, &status):
		code := int(status.Code)
		hint := statusHint(code)
		switch status.Code {
		case base.StatusUnauthorized:
			hint = s.login.hint(seen.challenges)
		case base.StatusUnsupportedTransport:
			hint = s.transportHint()
		}
		return s.statusError(string(method), code, oneLine(status.Message), hint)
	case isTimeout(err):
		return fmt.Errorf("%s: no answer from the server: %w", method, os.ErrDeadlineExceeded)
	case errors.As(err, &liberrors.ErrClientServerRequestedUDP{}):
		return fmt.Errorf("%w: the server sends over UDP only", keyframe.ErrUnsupported)
	case errors.As(err, &liberrors.ErrClientServerRequestedTCP{}):
		return fmt.Errorf("%w: the server sends over TCP only", keyframe.ErrUnsupported)
	case s.transport == Multicast && errors.As(err, &liberrors.ErrClientTransportHeaderInvalidDelivery{}):
		return fmt.Errorf("%w: the server does not send to multicast groups", keyframe.ErrUnsupported)
	case errors.Is(err, io.EOF):
		return &networkError{method, io.ErrUnexpectedEOF}
	case isNetworkError(err):
		return &networkError{method, err}
	}
	return fmt.Errorf("%w: %s", keyframe.ErrCorrupt, oneLine(err.Error()))
}

func (s *session) statusError(method string, code int, reason, hint string) error {
	return &StatusError{Code: code, Reason: reason, Method: method, URL: redact.URL(s.url.String()), Hint: hint}
}

// isTimeout reports whether err is the end of a wait, of which gortsplib has two
// types (TestUDPSilent, TestDeadline).
func isTimeout(err error) bool {
	return errors.As(err, &liberrors.ErrClientRequestTimedOut{}) || errors.As(err, &liberrors.ErrClientTCPTimeout{}) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// isTeardown reports whether the server ended the session with TEARDOWN, which
// gortsplib takes for a method that it cannot handle (TestStreamEnds).
func isTeardown(err error) bool { return errors.As(err, &liberrors.ErrClientUnhandledMethod{}) }

// refusesTransport reports whether the server wants another transport. Some
// servers without TCP do not refuse it with status 461 but answer with UDP
// (TestAuto).
func refusesTransport(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	return (errors.As(err, &status) && status.Code == base.StatusUnsupportedTransport) ||
		errors.As(err, &liberrors.ErrClientServerRequestedUDP{})
}

// refusesURL reports whether the server does not know the URL of SETUP (TestControl).
func refusesURL(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	return errors.As(err, &status) && slices.Contains([]base.StatusCode{
		base.StatusBadRequest, base.StatusNotFound, base.StatusGone, base.StatusParameterNotUnderstood,
		base.StatusSessionNotFound, base.StatusAggregateOperationNotAllowed, base.StatusOnlyAggregateOperationAllowed,
	}, status.Code)
}
