package rtsp

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// silence is how long a server may send nothing where ctx sets no deadline.
const silence = 10 * time.Second

// connecting is the method before the first request.
const connecting base.Method = "connect"

// session is one RTSP connection, from OPTIONS to TEARDOWN.
//
// The client's hooks run in gortsplib's goroutine while a method of the client is
// waited for, or while the packets come.
type session struct {
	client *gortsplib.Client
	url    *url.URL
	opt    *Options
	known  *memory       // from an earlier grab, or nil
	learnt *memory       // for the next one, or nil
	ended  chan struct{} // closed when the client has ended, with endErr
	endErr error

	playing   bool        // for the hooks alone: PLAY was answered
	method    base.Method // of the last request that was waited for
	location  string      // where an answer 3xx to DESCRIBE points
	redirect  int         // its status code
	public    string      // the methods that OPTIONS told
	challenge []string    // of the last answer 401

	sdp      *sdp        // what DESCRIBE told, or nil
	video    *videoTrack // the track to play, or nil
	videoErr error       // why there is none
	desc     *description.Session

	transport  Transport // that SETUP agreed on
	canReport  bool      // there is somewhere to send RTCP to
	receiver   atomic.Pointer[receiver]
	roundTrips atomic.Int64
	tunnelled  bool  // the first of a tunnel's two connections was made
	datagrams  int64 // bytes that were counted in the meter
}

// open prepares a session. The connection is made by the first request.
func (s *Source) open(ctx context.Context, u *url.URL, known *memory) (*session, error) {
	c := &session{url: u, opt: &s.opt, known: known, method: connecting, ended: make(chan struct{})}
	c.client = &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Tunnel: s.scheme.tunnel,
		UserAgent:   s.opt.UserAgent,
		ReadTimeout: patience(ctx),
		DialContext: c.dial, DialTLSContext: c.dialTLS, ListenPacket: listenPacket,
		// Ports that are not as announced: some cameras leave server_port out, or
		// send from others. Their address is still checked.
		AnyPortEnable:     true,
		OnRequest:         c.count,
		OnResponse:        c.observe,
		OnServerRequest:   tolerate,
		OnTransportSwitch: func(err error) { s.opt.Logger.Debug("rtsp transport", "why", err) },
		OnPacketsLost:     func(n uint64) { s.opt.Logger.Debug("rtsp packets lost", "count", n) },
		OnDecodeError:     func(err error) { s.opt.Logger.Debug("rtsp packet refused", "why", err) },
	}
	if known != nil {
		c.sdp, c.video, c.desc = known.sdp, known.video, known.desc
	}
	if err := c.client.Start(); err != nil {
		return nil, protocolError(err)
	}
	go func() {
		c.endErr = c.client.Wait()
		close(c.ended)
	}()
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

// watch ends the session with ctx, until stop is called. stop says whether the
// session goes on.
func (s *session) watch(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, s.client.Close)
}

// close sends TEARDOWN if there is a session, does not wait for its answer, and
// returns when the connection is closed and all goroutines are gone.
func (s *session) close() {
	s.client.Close()
	<-s.ended
}

// count sees every request before it is sent.
func (s *session) count(r *base.Request) {
	if r.Method == base.Options && s.primed() && s.method == connecting {
		return // answered from memory
	}
	s.opt.Meter.AddRequest()
	s.opt.Logger.Debug("rtsp request", "method", r.Method)
	if r.Method == base.Pause {
		s.playing, s.client.ReadTimeout = false, silence
	}
	if r.Method == base.Teardown || s.playing {
		return // not to be named in the error that led to it, nor waited for
	}
	s.method = r.Method
	s.roundTrips.Add(1)
}

// observe sees every answer before gortsplib does.
//
// A redirect is taken out of its hands, as it follows without bound and takes the
// credentials along to any host. Of an SDP it gets to see the one track to be
// played, as it refuses all for the fault of one.
func (s *session) observe(r *base.Response) {
	code := r.StatusCode
	switch {
	case s.playing: // to gortsplib's signs of life
	case code == base.StatusUnauthorized:
		s.challenge = r.Header["WWW-Authenticate"]
	case s.method == base.Options && code == base.StatusOK:
		s.public = strings.Join(r.Header["Public"], ", ")
	case s.method == base.Play && code == base.StatusOK:
		s.playing = true
		if s.transport != TCP {
			// gortsplib gives datagrams three seconds to come, or one to a group.
			s.client.ReadTimeout = forever
		}
	case s.method != base.Describe:
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

// forever is longer than the time since 1970, from which gortsplib reckons the
// silence where nothing has come yet.
const forever = 250 * 365 * 24 * time.Hour

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
	defer s.watch(ctx)()
	s.desc, _, err = s.client.Describe((*base.URL)(s.url))
	if err == nil || s.videoErr != nil && ctx.Err() == nil {
		return nil // without a track to play, the answer is only for listing
	}
	return s.fail(ctx, err)
}

// medium is the one that is played.
func (s *session) medium() *description.Media { return s.desc.Medias[0] }

// packet takes what comes to the receiver of the grab that is on.
func (s *session) packet(p *rtp.Packet) {
	if r := s.receiver.Load(); r != nil {
		r.push(p)
	}
}

func (s *session) report(p rtcp.Packet) {
	_, bye := p.(*rtcp.Goodbye)
	if r := s.receiver.Load(); r != nil && bye {
		r.settle(true)
	}
}
