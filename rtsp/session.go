package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// silence is how long a server may send nothing where ctx sets no deadline.
const silence = 10 * time.Second

// session is one RTSP connection, from OPTIONS to TEARDOWN.
//
// The client's hooks run in gortsplib's goroutine while a
// method of the client is waited for, or while the packets come.
type session struct {
	client   *gortsplib.Client
	url      *url.URL
	log      *slog.Logger
	maxBytes int64
	stop     func() bool // ends the watch over ctx

	method   base.Method // of the last request
	location string      // where an answer 3xx to DESCRIBE points
	redirect int         // its status code
	sdp      *sdp        // what DESCRIBE told, or nil
	video    *videoTrack // the track to play, or nil
	videoErr error       // why there is none
	desc     *description.Session
}

// open prepares a session. The connection is made by the first request.
func (s *Source) open(ctx context.Context, u *url.URL) (*session, error) {
	c := &session{url: u, log: s.opt.Logger, maxBytes: s.opt.MaxBytes, method: "connect"}
	tcp := gortsplib.ProtocolTCP
	c.client = &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Protocol: &tcp,
		UserAgent:   s.opt.UserAgent,
		ReadTimeout: patience(ctx),
		DialContext: s.dial, DialTLSContext: s.dialTLS,
		OnRequest: func(r *base.Request) {
			if r.Method != base.Teardown { // not to be named in the error that led to it
				c.method = r.Method
			}
			s.opt.Meter.AddRequest()
			c.log.Debug("rtsp request", "method", r.Method)
		},
		OnResponse:        c.observe,
		OnServerRequest:   tolerate,
		OnTransportSwitch: func(err error) { c.log.Debug("rtsp transport", "why", err) },
		OnPacketsLost:     func(n uint64) { c.log.Debug("rtsp packets lost", "count", n) },
		OnDecodeError:     func(err error) { c.log.Debug("rtsp packet refused", "why", err) },
	}
	if err := c.client.Start(); err != nil {
		return nil, protocolError(err)
	}
	c.stop = context.AfterFunc(ctx, c.client.Close)
	return c, nil
}

// patience is gortsplib's bound on a server's silence: the whole of ctx's time,
// and a little more, so that it is ctx that ends the wait.
func patience(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(time.Until(end), 0) + time.Second
	}
	return silence
}

// close sends TEARDOWN if there is a session, does not wait for its answer, and
// returns when the connection is closed and all goroutines are gone.
func (s *session) close() {
	s.stop()
	s.client.Close()
}

// observe sees every answer before gortsplib does.
//
// A redirect is taken out of its hands, as it follows without bound and takes the
// credentials along to any host. Of an SDP it gets to see the one track to be
// played, as it refuses all for the fault of one.
func (s *session) observe(r *base.Response) {
	if s.method != base.Describe {
		return
	}
	switch code := r.StatusCode; {
	case code >= 300 && code < 400 && len(r.Header["Location"]) == 1:
		s.redirect, s.location = int(code), r.Header["Location"][0]
		delete(r.Header, "Location")
	case code == base.StatusOK:
		s.sdp = parseSDP(r.Body)
		if s.video, s.videoErr = s.sdp.video(); s.videoErr == nil {
			r.Body = s.sdp.reduced(s.video)
			r.Header["Content-Type"] = base.HeaderValue{"application/sdp"}
		}
	}
}

// tolerate has requests of the server answered with 200, all but TEARDOWN.
//
// Keepalive from the server: some ask GET_PARAMETER of their viewers, or ANNOUNCE
// a changed SDP; gortsplib would end the session over anything but OPTIONS.
func tolerate(r *base.Request) {
	if r.Method != base.Teardown {
		r.Method = base.Options
	}
}

// describe sends OPTIONS and DESCRIBE. After an error, location is set where it
// was a redirect.
func (s *session) describe(ctx context.Context) (err error) {
	s.desc, _, err = s.client.Describe((*base.URL)(s.url))
	if err == nil || s.videoErr != nil && ctx.Err() == nil {
		return nil // without a track to play, the answer is only for listing
	}
	return s.fail(ctx, err)
}

// play sends SETUP and PLAY and gathers packets up to the first keyframe.
func (s *session) play(ctx context.Context) (*keyframe.Frame, error) {
	medium := s.desc.Medias[0]
	if _, err := s.client.Setup(s.desc.BaseURL, medium, 0, 0); err != nil {
		return nil, s.fail(ctx, err)
	}
	r := newReceiver(s.video, s.maxBytes)
	defer r.stop()
	s.client.OnPacketRTP(medium, medium.Formats[0], r.push)
	s.client.OnPacketRTCP(medium, func(p rtcp.Packet) {
		if _, bye := p.(*rtcp.Goodbye); bye {
			r.settle(true)
		}
	})
	answer, err := s.client.Play(nil)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return s.wait(ctx, r, answer)
}

// wait returns the receiver's frame, as soon as there is one or none can come.
func (s *session) wait(ctx context.Context, r *receiver, answer *base.Response) (*keyframe.Frame, error) {
	ended := make(chan error, 1)
	go func() { ended <- s.client.Wait() }()
	var err error
	select {
	case <-r.settled:
		s.close()
		<-ended
	case err = <-ended:
		r.settle(errors.As(err, &liberrors.ErrClientUnhandledMethod{}))
	case <-ctx.Done():
		s.close()
		err = <-ended
	}
	f, missing := r.result()
	switch {
	case f != nil:
		if start, ok := startOf(answer); ok {
			f.PTS = r.since(f.PTS, start)
		}
		return f, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%v: %w", missing, context.Cause(ctx))
	case err == nil || errors.Is(err, io.EOF) || errors.As(err, &liberrors.ErrClientUnhandledMethod{}):
		return nil, fmt.Errorf("%w (%s)", missing, r.reason())
	case timedOut(err):
		return nil, fmt.Errorf("%v: the stream fell silent: %w", missing, os.ErrDeadlineExceeded)
	}
	return nil, s.fail(ctx, err)
}

// startOf reads the RTP timestamp at which the server says that play begins (RFC
// 2326 12.33).
func startOf(answer *base.Response) (stamp uint32, ok bool) {
	var info headers.RTPInfo
	if err := info.Unmarshal(answer.Header["RTP-Info"]); err != nil {
		return 0, false
	}
	for _, e := range info {
		if e.Timestamp != nil {
			return *e.Timestamp, true
		}
	}
	return 0, false
}
