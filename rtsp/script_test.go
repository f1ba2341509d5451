package rtsp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// script is a server that misbehaves as its fields say. A field that is nil or
// empty means proper behaviour.
type script struct {
	sdp      string
	play     func(*peer)                                 // sends the packets after the answer to PLAY
	answer   func(p *peer, method string) (reply string) // no CSeq; "" for the proper answer
	rtpInfo  string
	listener net.Listener

	mu       sync.Mutex
	requests []string // request lines and fields, in order
	reports  [][]byte // RTCP packets
}

const (
	h264SDP = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track\r\n"
	ok      = "RTSP/1.0 200 OK\r\n"
)

// peer is one connection to a script.
type peer struct {
	net.Conn
	script *script
	in     *bufio.Reader
	head   textproto.MIMEHeader // of the last request

	described, paused bool // state for answer
	port              int
}

// run listens on loopback until the test ends.
func (s *script) run(t *testing.T) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	var peers sync.WaitGroup
	peers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			peers.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); peers.Wait() })
	return &url.URL{Scheme: "rtsp", Host: l.Addr().String(), Path: "/live"}
}

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	p := &peer{Conn: conn, script: s}
	p.in = bufio.NewReader(conn)
	in := textproto.NewReader(p.in)
	for {
		for s.report(p.in) {
		}
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		if p.head, err = in.ReadMIMEHeader(); err != nil {
			return
		}
		method, _, _ := strings.Cut(line, " ")
		s.mu.Lock()
		s.requests = append(s.requests, fmt.Sprint(line, " ", p.head))
		s.mu.Unlock()
		if !p.reply(method) {
			return
		}
	}
}

// report reads a packet that the client has sent between its requests, and
// reports whether there was one.
func (s *script) report(in *bufio.Reader) bool {
	head, err := in.Peek(4)
	if err != nil || head[0] != '$' {
		return false
	}
	b := make([]byte, 4+int(binary.BigEndian.Uint16(head[2:])))
	if _, err := io.ReadFull(in, b); err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = append(s.reports, b[4:])
	return true
}

// reply answers a request. It returns false to hang up.
func (p *peer) reply(method string) bool {
	s := p.script
	text := ""
	if s.answer != nil {
		text = s.answer(p, method)
	}
	switch {
	case text != "":
	case method == "DESCRIBE":
		text = fmt.Sprintf(ok+"Content-Type: application/sdp\r\nContent-Length: %d\r\n", len(s.sdp))
	case method == "SETUP":
		text = ok + "Session: 1\r\nTransport: " + p.head.Get("Transport") + "\r\n"
	case method == "PLAY" && s.rtpInfo != "":
		text = ok + "RTP-Info: " + s.rtpInfo + "\r\n"
	default:
		text = ok
	}
	body := ""
	if method == "DESCRIBE" && strings.Contains(text, "Content-Length") {
		body = s.sdp
	}
	fmt.Fprintf(p, "%sCSeq: %s\r\n\r\n%s", text, p.head.Get("CSeq"), body)
	if method == "PLAY" && s.play != nil {
		s.play(p)
	}
	return method != "TEARDOWN"
}

// saw returns how many requests contain text.
func (s *script) saw(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.Contains(r, text) {
			n++
		}
	}
	return n
}

// frame sends one interleaved packet.
func (p *peer) frame(channel byte, b []byte) {
	p.Write(append([]byte{'$', channel, byte(len(b) >> 8), byte(len(b))}, b...)) //nolint:errcheck // the client may be gone
}

func (p *peer) send(packets []*rtp.Packet) {
	for _, k := range packets {
		b, err := k.Marshal()
		if err != nil {
			panic(err)
		}
		p.frame(0, b)
	}
}

func (p *peer) bye() {
	b, err := (&rtcp.Goodbye{Sources: []uint32{0}}).Marshal()
	if err != nil {
		panic(err)
	}
	p.frame(1, b)
}

// pictures returns some pictures of the live stream, as sent.
func pictures(t *testing.T, from, to int) (*stream, []*rtp.Packet) {
	t.Helper()
	s := load(t, "live.264", keyframe.H264)
	p := &packetizer{codec: s.codec, stamp: 90000}
	for _, u := range s.units[from:to] {
		p.unit(u)
	}
	return s, p.packets
}

// muteAt serves up to the given point, then calls reached and stays silent.
func muteAt(t *testing.T, at string, reached func()) *url.URL {
	t.Helper()
	srv := &script{sdp: h264SDP}
	silent := func(p *peer) {
		reached()
		for b := make([]byte, 100); ; {
			if _, err := p.Read(b); err != nil {
				return
			}
		}
	}
	srv.answer = func(p *peer, method string) string {
		if method == at {
			silent(p)
		}
		return ""
	}
	if at == "packets" {
		srv.play = silent
	}
	if at != "connect" {
		return srv.run(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if conn, err := l.Accept(); err == nil {
			silent(&peer{Conn: conn})
			conn.Close()
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return &url.URL{Scheme: "rtsp", Host: l.Addr().String(), Path: "/live"}
}
