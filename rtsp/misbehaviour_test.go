package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestUnauthorisedForEver proves that kfgrab tries credentials once.
func TestUnauthorisedForEver(t *testing.T) {
	for _, with := range []string{basicChallenge, digestChallenge, `Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256`} {
		srv := &script{answer: func(_ *peer, method string) string {
			if method == "DESCRIBE" {
				return "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: " + with + "\r\n"
			}
			return ""
		}}
		u := srv.run(t)
		u.User = url.UserPassword("me", "s3cret")
		_, err := grab(t, u, nil)
		var status *StatusError
		if !errors.As(err, &status) || status.Code != 401 {
			t.Errorf("%s: %v", with, err)
		}
		if got := srv.methods(); got != "OPTIONS DESCRIBE DESCRIBE+" {
			t.Errorf("%s: %s", with, got)
		}
	}
}

// TestWrongCSeq proves that kfgrab ignores another answer to the request before.
func TestWrongCSeq(t *testing.T) {
	answered := make(chan struct{})
	srv := &script{sdp: h264SDP, answer: func(p *peer, method string) string {
		if method == "DESCRIBE" {
			fmt.Fprint(p, ok+"CSeq: 1\r\n\r\n")
			close(answered)
			p.in.Peek(1) //nolint:errcheck // waits for the end
		}
		return ""
	}}
	s, err := New(srv.run(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-answered
		time.AfterFunc(100*time.Millisecond, cancel)
	}()
	if _, err := s.Keyframe(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "DESCRIBE") {
		t.Error(err)
	}
}

func TestHugeSDP(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	many := h264SDP + strings.Repeat("m=audio 0 RTP/AVP 0\r\n", 2000)
	srv := &script{sdp: many, play: func(p *peer) { p.send(packets) }}
	f, err := grab(t, srv.run(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, []*keyframe.Frame{f}, s.frames[:1])
	srv = &script{sdp: strings.Repeat(many, 10)}
	if _, err := grab(t, srv.run(t), nil); !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), "Content-Length") {
		t.Error(err)
	}
}

// TestSessionTimeout proves that kfgrab sends keepalives to a server that ends
// silent sessions.
func TestSessionTimeout(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	srv := &script{sdp: h264SDP}
	srv.answer = func(p *peer, method string) string {
		switch {
		case method == "SETUP":
			return ok + "Session: 1;timeout=1\r\nTransport: " + p.head.Get("Transport") + "\r\n"
		case method == "OPTIONS" && p.head.Get("Session") != "":
			p.send(packets)
		}
		return ""
	}
	f, err := grab(t, srv.run(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, []*keyframe.Frame{f}, s.frames[:1])
}

// TestTeardownUnanswered proves that a grab does not wait for an answer to
// TEARDOWN, nor for a server that does not read it.
func TestTeardownUnanswered(t *testing.T) {
	_, packets := pictures(t, 0, 2)
	done := make(chan struct{})
	srv := &script{sdp: h264SDP, play: func(p *peer) {
		p.send(packets)
		<-done
	}}
	u := srv.run(t)
	defer close(done)
	if _, err := grab(t, u, nil); err != nil {
		t.Fatal(err)
	}
}

// TestSeveralVideos proves that kfgrab sets up the first readable video track
// and no other.
func TestSeveralVideos(t *testing.T) {
	_, packets := pictures(t, 0, 2)
	track := strings.TrimPrefix(h264SDP, "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n")
	srv := &script{
		sdp:  "v=0\r\nm=video 0 RTP/AVP 26\r\na=control:jpeg\r\n" + strings.ReplaceAll(track, "track", "main") + strings.ReplaceAll(track, "track", "sub"),
		play: func(p *peer) { p.send(packets) },
	}
	if _, err := grab(t, srv.run(t), nil); err != nil {
		t.Fatal(err)
	}
	if srv.saw("SETUP") != 1 || srv.saw("/main ") != 1 {
		t.Errorf("%v", srv.requests)
	}
}
