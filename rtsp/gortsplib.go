package rtsp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/kfgrab/kfgrab/internal/redact"
	"github.com/kfgrab/kfgrab/internal/tlspin"
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
func (s *session) newClient(ctx context.Context, tunnel gortsplib.Tunnel) *gortsplib.Client {
	log := s.opt.Logger
	return &gortsplib.Client{
		Scheme: s.url.Scheme, Host: s.url.Host, Tunnel: tunnel, UserAgent: s.opt.UserAgent,
		ReadTimeout: readTimeout(ctx), AnyPortEnable: true,
		DialContext: s.dial, DialTLSContext: s.dialTLS, ListenPacket: listenPacket,
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
	if !s.talk.noteRequest(r.Method, s.isPrimed()) {
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

// conversation records facts from the requests and answers of one connection.
// gortsplib's goroutine writes it and the session reads it.
type conversation struct {
	mu        sync.Mutex
	seen      dialogue
	datagrams bool // the transport that SETUP is tried with is UDP
	tunnelled bool // the first of a tunnel's two connections was made
}

// dialogue is the content of a conversation at one moment.
type dialogue struct {
	method     base.Method // of the last request that was waited for
	playing    bool        // PLAY was answered
	redirect   int         // status code of a redirect of DESCRIBE, or 0
	location   string      // where it leads
	public     string      // the methods that OPTIONS listed
	challenges []string    // of the last answer 401
	sdp        *sdp        // from DESCRIBE, or nil
	video      *videoTrack // the track to play, or nil
	videoErr   error       // why there is none
	roundTrips int
}

func (c *conversation) read() dialogue {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

func (c *conversation) addRoundTrip() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.roundTrips++
}

// takeRoundTrips returns the number of round trips since the last call.
func (c *conversation) takeRoundTrips() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.seen.roundTrips
	c.seen.roundTrips = 0
	return n
}

// addTunnel counts the GET of a tunnel, whose answer is waited for on the first
// of its two connections.
func (c *conversation) addTunnel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.tunnelled {
		c.tunnelled = true
		c.seen.roundTrips++
	}
}

func (c *conversation) setDatagrams(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.datagrams = on
}

// noteRequest reports whether a request goes to the server. The OPTIONS of a
// primed connection does not.
//
// TEARDOWN, and the OPTIONS that gortsplib sends to keep a play alive, are sent
// but not waited for, and are not the method that an error is about.
func (c *conversation) noteRequest(method base.Method, primed bool) (sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if primed && method == base.Options && c.seen.method == connecting {
		return false
	}

	if method == base.Pause {
		c.seen.playing = false
	}
	if method != base.Teardown && !c.seen.playing {
		c.seen.method = method
		c.seen.roundTrips++
	}
	return true
}

// noteResponse records an answer, and reports whether it begins a play over
// datagrams.
//
// It takes redirects out of gortsplib's hands, which follows them without bound
// and sends the credentials to any host: without Location, the status is an error
// (TestRedirect and its like). gortsplib sees only the track of the SDP that is
// played, because it refuses all of them for a fault in one (TestBrokenAudio).
func (c *conversation) noteResponse(r *base.Response) (datagrams bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := &c.seen

	switch {
	case seen.playing: // the answers to gortsplib's keepalives
	case r.StatusCode == base.StatusUnauthorized:
		seen.challenges = r.Header["WWW-Authenticate"]
	case seen.method == base.Options && r.StatusCode == base.StatusOK:
		seen.public = strings.Join(r.Header["Public"], ", ")
	case seen.method == base.Play && r.StatusCode == base.StatusOK:
		seen.playing = true
		return c.datagrams
	case seen.method == base.Describe && isRedirect(r):
		seen.redirect, seen.location = int(r.StatusCode), r.Header["Location"][0]
		delete(r.Header, "Location")
	case seen.method == base.Describe && r.StatusCode == base.StatusOK:
		seen.sdp = parseSDP(r.Body)
		if seen.video, seen.videoErr = seen.sdp.chooseVideo(); seen.videoErr == nil {
			r.Body = seen.sdp.reduceTo(seen.video)
			r.Header["Content-Type"] = base.HeaderValue{"application/sdp"}
		}
	}
	return false
}

func isRedirect(r *base.Response) bool {
	return r.StatusCode >= 300 && r.StatusCode < 400 && len(r.Header["Location"]) == 1
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

// dial connects, and counts the bytes that cross the socket.
func (s *session) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.dialPlain(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return s.prime(conn), nil
}

// dialTLS connects and shakes hands within ctx. gortsplib leaves the handshake to
// the first request, where a mute server holds it up for long (TestMute).
func (s *session) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.dialPlain(ctx, network, address)
	if err != nil {
		return nil, err
	}

	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	config := &tls.Config{
		ServerName: host, RootCAs: s.opt.RootCAs,
		InsecureSkipVerify: s.opt.InsecureTLS, // the user's explicit wish
	}
	tlspin.Apply(config, s.opt.TLSFingerprint)

	secure := tls.Client(conn, config)
	s.talk.addRoundTrip()
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &net.OpError{Op: "TLS handshake", Net: network, Addr: conn.RemoteAddr(), Err: err}
	}
	return s.prime(secure), nil
}

func (s *session) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	s.talk.addRoundTrip()
	conn, err := s.opt.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if s.isTunnel() {
		s.talk.addTunnel()
	}
	return s.meter.Conn(conn), nil
}

// receiveBuffer holds a large keyframe that comes at once. The system may give
// less.
const receiveBuffer = 2 << 20

func listenPacket(network, address string) (net.PacketConn, error) {
	conn, err := net.ListenPacket(network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		udp.SetReadBuffer(receiveBuffer) //nolint:errcheck // see receiveBuffer
	}
	return conn, err
}

// countDatagrams adds the UDP bytes since the last call to the meter, as gortsplib
// counts them: it accepts no socket except its own (TestGStreamerTransports).
func (s *session) countDatagrams() {
	if s.transport == TCP {
		return
	}
	if total := int64(s.client.Stats().Session.InboundBytes); total > s.datagramBytes {
		s.meter.AddDown(int(total - s.datagramBytes))
		s.datagramBytes = total
	}
}

// primedConn answers OPTIONS from memory. gortsplib begins each connection with
// OPTIONS, and shows credentials only after the server asked for them. Each costs
// a round trip for an answer that an earlier grab has seen (TestSecondGrab).
type primedConn struct {
	net.Conn
	known *memory

	replies chan []byte   // to OPTIONS
	rest    []byte        // of the reply being read
	passed  chan struct{} // closed when something else was sent
	closed  chan struct{}
	once    struct{ pass, close sync.Once }
}

// isPrimed reports whether this session's connection answers OPTIONS itself.
// Within a tunnel it cannot.
func (s *session) isPrimed() bool { return s.known != nil && !s.isTunnel() }

func (s *session) prime(conn net.Conn) net.Conn {
	if !s.isPrimed() {
		return conn
	}
	return &primedConn{
		Conn: conn, known: s.known,
		replies: make(chan []byte, 2), passed: make(chan struct{}), closed: make(chan struct{}),
	}
}

// Write answers a leading OPTIONS, and sends everything else.
func (c *primedConn) Write(b []byte) (int, error) {
	if reply := c.replyTo(b); reply != nil {
		c.replies <- reply
		return len(b), nil
	}
	c.once.pass.Do(func() { close(c.passed) })
	return c.Conn.Write(b)
}

// replyTo returns the answer to a request, nil if the server has to answer.
func (c *primedConn) replyTo(request []byte) []byte {
	select {
	case <-c.passed:
		return nil
	default:
	}
	if !bytes.HasPrefix(request, []byte(base.Options+" ")) {
		return nil
	}

	cseq := findField(request, "CSeq")
	if c.known.basic != "" && findField(request, "Authorization") == "" {
		return fmt.Appendf(nil, "RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\nWWW-Authenticate: %s\r\n\r\n", cseq, c.known.basic)
	}
	return fmt.Appendf(nil, "RTSP/1.0 200 OK\r\nCSeq: %s\r\nPublic: %s\r\n\r\n", cseq, c.known.public)
}

// findField returns the value of a header field of a message.
func findField(message []byte, name string) string {
	for line := range bytes.Lines(message) {
		if n, v, found := bytes.Cut(line, []byte(":")); found && string(n) == name {
			return string(bytes.TrimSpace(v))
		}
	}
	return ""
}

// Read returns the replies, and then what the server sends.
func (c *primedConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		select {
		case c.rest = <-c.replies:
		case <-c.passed:
			return c.Conn.Read(p)
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *primedConn) Close() error {
	c.once.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// basicChallengeOf returns the challenge for basic authentication if the server
// asks for nothing else. Digest needs the connection's own nonce: GStreamer and
// MediaMTX refuse that of another (TestSecondGrab).
func basicChallengeOf(challenges []string) string {
	basic := ""
	for _, c := range challenges {
		var h headers.Authenticate
		switch err := h.Unmarshal(base.HeaderValue{c}); {
		case err != nil:
		case h.Method == headers.AuthMethodBasic:
			basic = c
		default:
			return ""
		}
	}
	return basic
}

// translateError turns an error of gortsplib, or of the connection beneath it,
// into one of ours. gortsplib's own is never wrapped, as its text may show a URL
// with a password (TestNoPicture).
func (s *session) translateError(ctx context.Context, err error) error {
	method := s.talk.read().method
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}

	var status liberrors.ErrClientBadStatusCode
	switch {
	case errors.As(err, &status):
		code := int(status.Code)
		return s.statusError(method, code, oneLine(status.Message), statusHint(code, s.url.User != nil))
	case errors.As(err, &liberrors.ErrClientAuthSetup{}):
		return s.statusError(method, http.StatusUnauthorized, "", "the server offers neither Basic nor Digest authentication")
	case isTimeout(err):
		return fmt.Errorf("%s: no answer from the server: %w", method, os.ErrDeadlineExceeded)
	case errors.As(err, &liberrors.ErrClientServerRequestedUDP{}):
		return fmt.Errorf("%w: the server sends over UDP only", keyframe.ErrUnsupported)
	case errors.As(err, &liberrors.ErrClientServerRequestedTCP{}):
		return fmt.Errorf("%w: the server sends over TCP only", keyframe.ErrUnsupported)
	case s.transport == Multicast && errors.As(err, &liberrors.ErrClientTransportHeaderInvalidDelivery{}):
		return fmt.Errorf("%w: the server does not send to multicast groups", keyframe.ErrUnsupported)
	case s.isTunnel() && method == connecting && !isNetworkError(err) && !errors.Is(err, io.EOF):
		return s.tunnelError(err)
	case errors.Is(err, io.EOF):
		return &networkError{method, io.ErrUnexpectedEOF}
	case isNetworkError(err):
		return &networkError{method, err}
	}
	return fmt.Errorf("%w: %s", keyframe.ErrCorrupt, oneLine(err.Error()))
}

func (s *session) statusError(method base.Method, code int, reason, hint string) error {
	return &StatusError{Code: code, Reason: reason, Method: string(method), URL: redact.URL(s.url.String()), Hint: hint}
}

// tunnelError is an HTTP server's refusal of a tunnel. gortsplib has no type for
// it: the status is in its text, and missing for WebSocket (TestNoTunnel).
func (s *session) tunnelError(err error) error {
	var code int
	if n, _ := fmt.Sscanf(err.Error(), "bad status code: %d", &code); n == 1 {
		return s.statusError("GET", code, http.StatusText(code), "the server accepts no RTSP tunnel through HTTP here")
	}
	return fmt.Errorf("%w: the server accepts no tunnel here (%s)", keyframe.ErrUnsupported, oneLine(err.Error()))
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
