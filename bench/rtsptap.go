package bench

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// rtspTap relays viewers to an RTSP server. It counts what comes down and notes when the
// first keyframe after PLAY was complete. It reads H.264 over TCP.
type rtspTap struct {
	listener net.Listener
	upstream string
	running  sync.WaitGroup

	mu sync.Mutex
	tapped
}

// tapped is what a tap has seen.
type tapped struct {
	Down    int64     // bytes to the viewer
	Play    time.Time // when the answer to PLAY came
	Key     time.Time // when the first keyframe was complete
	KeyDown int64     // bytes from Play to Key
	Latest  time.Time // when the latest keyframe was complete
}

func newRTSPTap(upstream string) (*rtspTap, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &rtspTap{listener: l, upstream: upstream}
	t.running.Go(func() {
		for {
			viewer, err := l.Accept()
			if err != nil {
				return
			}
			t.running.Go(func() { t.relayViewer(viewer) })
		}
	})
	return t, nil
}

// latestKeyframe returns when the latest keyframe was complete.
func (t *rtspTap) latestKeyframe() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Latest
}

// close waits until all viewers have gone.
func (t *rtspTap) close() tapped {
	t.listener.Close()
	t.running.Wait()
	return t.tapped
}

func (t *rtspTap) relayViewer(viewer net.Conn) {
	defer viewer.Close()
	server, err := net.Dial("tcp", t.upstream)
	if err != nil {
		return
	}

	r := &rtspReader{}
	var both sync.WaitGroup
	both.Go(func() {
		defer server.Close()
		io.Copy(server, io.TeeReader(viewer, writerFunc(r.readRequest))) //nolint:errcheck // a contestant may hang up
	})

	both.Go(func() {
		defer viewer.Close()
		io.Copy(viewer, io.TeeReader(server, writerFunc(func(b []byte) { t.readDown(r, b) }))) //nolint:errcheck // as above
	})
	both.Wait()
}

func (t *rtspTap) readDown(r *rtspReader, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Down += int64(len(b))
	r.readAnswer(b, time.Now())
	t.Latest = r.latest
	if t.Key.IsZero() {
		t.Play, t.Key, t.KeyDown = r.play, r.key, r.keyDown
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}

// rtspReader reads one connection: requests, for the number of PLAY; and answers, for the
// one to PLAY and the packets after it.
type rtspReader struct {
	mu     sync.Mutex
	number string // CSeq of PLAY

	pending []byte
	play    time.Time
	key     time.Time
	latest  time.Time
	since   int64 // bytes since PLAY
	keyDown int64
	inKey   bool
}

var (
	playRequest   = regexp.MustCompile(`(?s)^PLAY .*?\r\nCSeq: *(\d+)`)
	answerNumber  = regexp.MustCompile(`\r\nCSeq: *(\d+)`)
	contentLength = regexp.MustCompile(`(?i)\r\nContent-Length: *(\d+)`)
)

// readRequest reads what the viewer sends; each request comes in one piece.
func (r *rtspReader) readRequest(b []byte) {
	if m := playRequest.FindSubmatch(b); m != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.number = string(m[1])
	}
}

func (r *rtspReader) readAnswer(b []byte, now time.Time) {
	r.pending = append(r.pending, b...)
	for {
		n := r.messageLength()
		if n == 0 || n > len(r.pending) {
			return
		}
		r.takeMessage(r.pending[:n], now)
		r.pending = r.pending[n:]
	}
}

// messageLength returns the length of the answer or packet at the start of pending, or 0
// if it is not known yet.
func (r *rtspReader) messageLength() int {
	b := r.pending
	if len(b) < 4 {
		return 0
	}
	if b[0] == '$' {
		return 4 + int(b[2])<<8 + int(b[3])
	}

	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	end += 4
	if m := contentLength.FindSubmatch(b[:end]); m != nil {
		body, _ := strconv.Atoi(string(m[1]))
		end += body
	}
	return end
}

func (r *rtspReader) takeMessage(b []byte, now time.Time) {
	if !r.play.IsZero() {
		r.since += int64(len(b))
	}
	if b[0] == '$' {
		if b[1] == 0 && !r.play.IsZero() {
			r.readPacket(b[4:], now)
		}
		return
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if m := answerNumber.FindSubmatch(b); m != nil && string(m[1]) == r.number && r.play.IsZero() {
		r.play = now
	}
}

// readPacket looks for the first packet of an IDR picture's slice, and then for the
// marker.
func (r *rtspReader) readPacket(b []byte, now time.Time) {
	const slice, fuA, first = 5, 28, 0x80
	var p rtp.Packet
	if p.Unmarshal(b) != nil || len(p.Payload) < 2 {
		return
	}

	switch p.Payload[0] & 0x1f {
	case slice:
		r.inKey = true
	case fuA:
		r.inKey = r.inKey || (p.Payload[1]&0x1f == slice && p.Payload[1]&first != 0)
	}

	if !r.inKey || !p.Marker {
		return
	}
	if r.inKey, r.latest = false, now; r.key.IsZero() {
		r.key, r.keyDown = now, r.since
	}
}
