package rtsp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"github.com/kfgrab/kfgrab/keyframe"
)

// filter is the connection that gortsplib sees. It reads what servers send in spite
// of the standard, and passes on what gortsplib accepts. Each tolerance has a test:
//
//   - header fields in every syntax that message reads, and other versions of RTSP
//     (TestOddHeaders);
//   - answers without a number, or with one that no request had (TestOddCSeq);
//   - packets before PLAY, which are left from another session (TestStalePackets);
//   - bytes between messages that are none (TestJunk);
//   - OPTIONS refused: DESCRIBE shows what is wrong, if anything (TestNoOptions);
//   - Transport and Session fields that transport.go repairs (TestOddTransport);
//   - requests of the server for strange URLs (TestServerRequests);
//   - all the ways of authentication that login knows (TestAuthentication).
//
// It reports a port that speaks another protocol at once (TestOtherProtocols).
type filter struct {
	net.Conn
	in     *bufio.Reader // of Conn
	login  *login
	again  func()              // called before a request is sent once more
	repair func([]byte) []byte // applied to each RTP or RTCP packet

	spoken bool   // a message of RTSP has come
	rest   []byte // of what Read is passing on
	frame  [frameHeader + 1<<16]byte

	mu      sync.Mutex // gortsplib reads and writes in different goroutines
	waiting []*request // those without an answer, oldest first
	added   int        // requests that gortsplib does not know of
	tcp     bool       // SETUP agreed on packets in this connection
	playing bool       // packets may come
	played  bool       // PLAY was answered
}

// request is one that gortsplib has sent.
type request struct {
	*message
	number        int    // CSeq that gortsplib gave it
	sent          int    // CSeq that it was sent with
	authorization string // that it was sent with
	times         int    // it was sent
}

const (
	// frameHeader is the size of what precedes an interleaved packet (RFC 2326 10.12).
	frameHeader = 4
	// maxWaiting bounds the requests without an answer: some servers answer no
	// keepalives.
	maxWaiting = 16
	// maxTimes bounds how often a request is sent: without credentials, with those
	// of each algorithm, and with new nonces.
	maxTimes = 8
)

func newFilter(conn net.Conn, l *login, again func(), repair func([]byte) []byte) *filter {
	return &filter{Conn: conn, in: bufio.NewReaderSize(conn, 32<<10), login: l, again: again, repair: repair}
}

// Write sends what gortsplib writes: one message or packet each time.
func (f *filter) Write(b []byte) (int, error) {
	m, err := readMessage(bufio.NewReader(bytes.NewReader(b)))
	if b[0] == base.InterleavedFrameMagicByte || err != nil || m.isAnswer() {
		return f.Conn.Write(b)
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	r := &request{message: m}
	r.number, _ = strconv.Atoi(m.find("CSeq"))
	if m.method() == string(base.Play) {
		f.playing = true // servers send packets before the answer, too
	}
	if err := f.send(r); err != nil {
		return 0, err
	}
	return len(b), nil
}

// send sends a request, for the first time or once more.
func (f *filter) send(r *request) error {
	if r.times++; r.times > 1 {
		f.again()
		f.added++
	}
	r.sent = r.number + f.added
	r.authorization = f.login.authorization(r.method(), r.target())
	r.set("CSeq", strconv.Itoa(r.sent))
	r.set("Authorization", r.authorization)

	if f.waiting = append(f.waiting, r); len(f.waiting) > maxWaiting {
		f.waiting = f.waiting[1:]
	}
	_, err := f.Conn.Write(r.write())
	return err
}

// Read returns messages and packets that gortsplib accepts.
func (f *filter) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		var err error
		if f.rest, err = f.readNext(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// readNext reads a message or a packet. It returns what gortsplib is to see of it:
// nothing if it is not for gortsplib.
func (f *filter) readNext() ([]byte, error) {
	start, err := f.in.Peek(len("RTSP"))
	switch {
	case len(start) > 0 && start[0] == base.InterleavedFrameMagicByte:
		return f.readPacket()
	case err != nil:
		return nil, err
	case !isMessage(start) && !f.spoken && (start[0] > ' ' || isTLSRecord(start)):
		return nil, f.foreignProtocol()
	case !isMessage(start):
		_, err = f.in.Discard(1)
		return nil, err
	}

	m, err := readMessage(f.in)
	if err != nil {
		return nil, err
	}
	f.spoken = true
	if !m.isAnswer() {
		m.start = m.method() + " * RTSP/1.0"
		return m.write(), nil
	}
	return f.takeAnswer(m)
}

// isMessage reports whether a message begins with start: an answer, or one of the
// requests that servers send.
func isMessage(start []byte) bool {
	return slices.Contains([]string{
		"RTSP", "OPTI", "GET_", "SET_", "ANNO", "REDI", "TEAR", "DESC", "SETU", "PLAY", "PAUS", "RECO",
	}, string(start))
}

// foreignProtocol names what the port speaks instead of RTSP.
func (f *filter) foreignProtocol() error {
	line, _ := f.in.Peek(min(f.in.Buffered(), 60))
	switch {
	case bytes.HasPrefix(line, []byte("HTTP")):
		return fmt.Errorf("%w: this port speaks HTTP, not RTSP; cameras have RTSP on port 554, and some a tunnel at rtsp+http://",
			keyframe.ErrUnsupported)
	case isTLSRecord(line):
		return fmt.Errorf("%w: this port speaks TLS; try rtsps://", keyframe.ErrUnsupported)
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	return fmt.Errorf("%w: this port does not speak RTSP (%q)", keyframe.ErrUnsupported, oneLine(string(line)))
}

// isTLSRecord reports whether b begins with an alert or a handshake of TLS (RFC 8446
// 5.1).
func isTLSRecord(b []byte) bool {
	return len(b) > 1 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3
}

// readPacket reads an interleaved packet, and drops it if SETUP and PLAY have asked for
// none. Until PLAY is answered, a BYE is that of another session.
func (f *filter) readPacket() ([]byte, error) {
	header := f.frame[:frameHeader]
	if _, err := io.ReadFull(f.in, header); err != nil {
		return nil, err
	}
	packet := f.frame[frameHeader:][:binary.BigEndian.Uint16(header[2:])]
	if _, err := io.ReadFull(f.in, packet); err != nil {
		return nil, err
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.playing || !f.tcp || (!f.played && !isRTP(packet)) {
		return nil, nil
	}
	packet = f.repair(packet)
	binary.BigEndian.PutUint16(header[2:], uint16(len(packet)))
	return append(header, packet...), nil
}

// takeAnswer finds the request of an answer, and sends that once more if it needs
// other credentials.
func (f *filter) takeAnswer(m *message) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	code, reason := m.status()
	r := f.findRequest(m.find("CSeq"))
	if r == nil || code < 200 {
		return nil, nil // repeated or late, or 100 Continue
	}

	f.waiting = f.waiting[slices.Index(f.waiting, r)+1:]
	switch {
	case code == 401 && r.times < maxTimes && f.login.takeChallenges(r.authorization, m.list("WWW-Authenticate")):
		return nil, f.send(r)
	case code < 300 && r.authorization != "":
		f.login.digest.Accept(m.find("Authentication-Info"))
	case code >= 300 && code != 401 && r.method() == string(base.Options):
		code, reason = 200, "OK"
	}

	switch refused := code >= 300; r.method() {
	case string(base.Play):
		f.playing, f.played = !refused, !refused
	case string(base.Pause):
		f.playing = f.playing && refused
		f.played = f.playing
	case string(base.Setup):
		if !refused {
			transport := repairTransport(r.find("Transport"), m.find("Transport"))
			f.tcp = strings.Contains(transport, "TCP")
			m.set("Transport", transport)
		}
	}
	m.start = fmt.Sprintf("RTSP/1.0 %03d %.200s", code, reason)
	m.set("CSeq", strconv.Itoa(r.number))
	m.set("Session", repairSession(m.find("Session")))
	m.keepFirst("Content-Length", "Content-Type", "Content-Base", "Content-Location", "Location")
	return m.write(), nil
}

// findRequest returns the request that an answer with this CSeq is to; nil for one
// that was answered before. Some servers leave the number out, or send zero or one
// of their own: they answer in order.
func (f *filter) findRequest(cseq string) *request {
	number, err := strconv.Atoi(strings.TrimSpace(cseq))
	for _, r := range f.waiting {
		if r.sent == number {
			return r
		}
	}
	if len(f.waiting) > 0 && (err != nil || number <= 0 || number > f.waiting[len(f.waiting)-1].sent) {
		return f.waiting[0]
	}
	return nil
}
