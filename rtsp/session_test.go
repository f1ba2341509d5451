package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

func TestStreamEnds(t *testing.T) {
	s, first := pictures(t, 0, 1)
	_, headless := pictures(t, 1, 20)
	lossy := append(append([]*rtp.Packet{}, first[:2]...), first[3:]...)
	_, all := pictures(t, 0, 30)
	lossyAll := append(append([]*rtp.Packet{}, all[:2]...), all[3:]...)
	for _, c := range []struct {
		name string
		play func(*peer)
		want int // index of the stream's frame, or -1
		text string
	}{
		{"one picture, then silence", func(p *peer) { p.send(first) }, 0, ""},
		{"one picture, then hung up", func(p *peer) { p.send(first); p.Close() }, 0, ""},
		{"one picture, then BYE", func(p *peer) { p.send(first); p.bye() }, 0, ""},
		{"one picture, then TEARDOWN", func(p *peer) {
			p.send(first)
			fmt.Fprint(p, "TEARDOWN rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n")
		}, 0, ""},
		{"hung up inside a fragment", func(p *peer) { p.send(first[:len(first)-1]); p.Close() }, -1, "no h264 picture at all (the stream ended after"},
		{"hung up inside a packet", func(p *peer) {
			p.send(first[:len(first)-1])
			p.Write([]byte{'$', 0, 5, 0, 0x80}) //nolint:errcheck
			p.Close()
		}, -1, "closed the connection"},
		{"BYE inside a fragment", func(p *peer) { p.send(first[:len(first)-1]); p.bye() }, -1, "the stream ended after"},
		{"no keyframe, then BYE", func(p *peer) { p.send(headless); p.bye() }, -1, "the stream ended after"},
		{"a hole in the only keyframe", func(p *peer) { p.send(lossy); p.bye() }, -1, "the stream ended after"},
		{"a hole in the first keyframe", func(p *peer) { p.send(lossyAll) }, 1, ""},
		{"the server asks for parameters", func(p *peer) {
			p.send(all[:3])
			fmt.Fprint(p, "GET_PARAMETER rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n")
			p.send(all[3:])
		}, 0, ""},
		{"junk on other channels", func(p *peer) {
			p.frame(9, []byte("what is this"))
			p.frame(1, []byte("no RTCP"))
			p.frame(0, []byte{1})
			p.send(all)
		}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: h264SDP, play: c.play}
			f, err := grab(t, srv.run(t), nil)
			if c.want >= 0 {
				if err != nil {
					t.Fatal(err)
				}
				sameFrames(t, []*keyframe.Frame{f}, s.frames[c.want:c.want+1])
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, %v; want an error with %q", f, err, c.text)
			}
		})
	}
}

func TestNoPicture(t *testing.T) {
	_, packets := pictures(t, 1, 20)
	for _, c := range []struct {
		name, sdp string
		answer    func(p *peer, method string) string
		o         *Options
		is        error
		code      int
		text      string
	}{
		{name: "audio only", sdp: "m=audio 0 RTP/AVP 0\r\n", is: keyframe.ErrNotFound, text: "no video track (audio only)"},
		{name: "MJPEG only", sdp: "m=video 0 RTP/AVP 26\r\n", is: keyframe.ErrUnsupported, text: "mjpeg"},
		{name: "no SDP", sdp: "<html>", is: keyframe.ErrNotFound, text: "describes no media"},
		{name: "budget", sdp: h264SDP, o: &Options{MaxBytes: 5000}, is: keyframe.ErrNotFound, text: "within 5000 bytes"},
		{name: "forbidden", answer: func(_ *peer, method string) string {
			return map[string]string{"DESCRIBE": "RTSP/1.0 403 No way\r\n"}[method]
		}, code: 403, text: "DESCRIBE: 403 No way: this user may not"},
		{name: "UDP only", sdp: h264SDP, answer: func(_ *peer, method string) string {
			return map[string]string{"SETUP": "RTSP/1.0 461 Unsupported Transport\r\n"}[method]
		}, code: 461, text: "neither over TCP nor over UDP"},
		{name: "UDP all the same", sdp: h264SDP, answer: func(_ *peer, method string) string {
			return map[string]string{"SETUP": ok + "Transport: RTP/AVP;unicast;client_port=1-2;server_port=3-4\r\n"}[method]
		}, o: &Options{Transport: TCP}, is: keyframe.ErrUnsupported, text: "over UDP only"},
		{name: "session dropped", sdp: h264SDP, answer: func(_ *peer, method string) string {
			return map[string]string{"PLAY": "RTSP/1.0 454 Session Not Found\r\n"}[method]
		}, code: 454, text: "try again"},
		{name: "credentials in an answer", answer: func(_ *peer, method string) string {
			return map[string]string{"DESCRIBE": ok + "Content-Length: rtsp://me:s3cret@h/x\r\n"}[method]
		}, sdp: h264SDP, is: keyframe.ErrCorrupt, text: "Content-Length"},
		{name: "not RTSP", answer: func(p *peer, _ string) string { p.Close(); return ok }, text: "closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: c.sdp, answer: c.answer, play: func(p *peer) { p.send(packets) }}
			_, err := grab(t, srv.run(t), c.o)
			if err == nil || !strings.Contains(err.Error(), c.text) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("got %v, want an error of one line with %q", err, c.text)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
			var status *StatusError
			if errors.As(err, &status) != (c.code != 0) || c.code != 0 && status.Code != c.code {
				t.Errorf("%#v, want status %d", err, c.code)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v shows a password", err)
			}
		})
	}
}

// TestDescribeInBand proves that if the SDP has no parameter sets, Describe
// takes the first ones of the stream, without waiting for the keyframe.
func TestDescribeInBand(t *testing.T) {
	s, packets := pictures(t, 20, 30)
	_, without := pictures(t, 1, 20)
	for _, c := range []struct {
		name    string
		packets []*rtp.Packet
		want    int
	}{
		{"parameter sets", packets, s.frames[0].Info.Width},
		{"none", without, 0},
	} {
		srv := &script{sdp: h264SDP, play: func(p *peer) { p.send(c.packets); p.bye() }}
		source, err := New(srv.run(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := source.Describe(t.Context())
		if err != nil || d.Codec != keyframe.H264 || d.Info.Width != c.want || len(d.Tracks) != 1 {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
}

// TestGradualRefresh proves that a stream with gradual refreshes instead of IDR
// pictures gives the picture that ends a refresh.
func TestGradualRefresh(t *testing.T) {
	s := loadAny(t, "refresh.264", keyframe.H264)
	p := &packetizer{codec: s.codec}
	for _, u := range s.units[5:100] { // the first is an IDR picture
		p.unit(u)
	}
	srv := &script{sdp: h264SDP, play: func(c *peer) { c.send(p.packets) }}
	f, err := grab(t, srv.run(t), nil)
	if err != nil || f.Kind != keyframe.GradualRefresh || f.Pictures < 2 {
		t.Fatalf("%+v, %v", f, err)
	}
}

// TestTeardown proves that the session ends with a TEARDOWN of that session.
func TestTeardown(t *testing.T) {
	_, packets := pictures(t, 0, 1)
	srv := &script{sdp: h264SDP, play: func(p *peer) { p.send(packets) }}
	t.Run("grab", func(t *testing.T) { // the server has read everything when the subtest ends
		if _, err := grab(t, srv.run(t), nil); err != nil {
			t.Fatal(err)
		}
	})
	if n := srv.saw("TEARDOWN rtsp://"); n != 1 || !strings.Contains(srv.requests[4], "Session:[1]") {
		t.Errorf("requests %v", srv.requests)
	}
}

// TestBrokenAudio proves that a broken description of the sound does not affect
// the picture.
func TestBrokenAudio(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	srv := &script{play: func(p *peer) { p.send(packets) }}
	srv.sdp = h264SDP + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/0/x\r\na=fmtp:97 config=zzz\r\na=mid:1\r\na=mid:1\r\n"
	f, err := grab(t, srv.run(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, []*keyframe.Frame{f}, s.frames[:1])
	if n := srv.saw("SETUP"); n != 1 {
		t.Errorf("%d SETUP", n)
	}
}

// TestPacketsBeforeTheAnswer proves that packets before the answer to PLAY
// count, however many there are.
func TestPacketsBeforeTheAnswer(t *testing.T) {
	s, packets := pictures(t, 1, 30)
	srv := &script{sdp: h264SDP, answer: func(p *peer, method string) string {
		if method == "PLAY" {
			p.send(packets)
		}
		return ""
	}}
	f, err := grab(t, srv.run(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, []*keyframe.Frame{f}, s.frames[1:2])
}

// TestPTS proves that PTS counts from RTP-Info's time if that makes sense, and
// otherwise from the first packet.
func TestPTS(t *testing.T) {
	_, packets := pictures(t, 20, 30) // the keyframe is 200 ms after the first packet
	for info, want := range map[string]string{
		"":                                   "200ms",
		"url=track;seq=1;rtptime=45000":      "700ms",
		"url=track;seq=1;rtptime=90000":      "200ms",
		"url=track;rtptime=90001":            "200ms",
		"url=track;rtptime=4000000000":       "200ms",
		"url=track;rtptime=nonsense":         "200ms",
		"url=track;seq=1":                    "200ms",
		"url=track;seq=1;rtptime=4294967295": "1.200011111s",
	} {
		srv := &script{sdp: h264SDP, rtpInfo: info, play: func(p *peer) { p.send(packets) }}
		f, err := grab(t, srv.run(t), nil)
		if err != nil || f.PTS.String() != want {
			t.Errorf("%q: %v, %v, want %s", info, f, err, want)
		}
	}
}

// TestMute proves that the end of the context ends the wait for a silent
// server, and that the error has the context's cause.
func TestMute(t *testing.T) {
	boss := errors.New("the user has gone")
	for _, scheme := range []string{"rtsp", "rtsps", "rtsp+http", "rtsps+http", "rtsp+ws", "rtsps+ws"} {
		for _, at := range []string{"connect", "DESCRIBE", "PLAY", "packets"} {
			if scheme != "rtsp" && at != "connect" {
				continue
			}
			t.Run(scheme+" "+at, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				u := muteAt(t, at, func() { cancel(boss) })
				u.Scheme = scheme
				s, err := New(u, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Keyframe(ctx); !errors.Is(err, boss) {
					t.Errorf("got %v, want the cause of the cancellation", err)
				}
			})
		}
	}
}

// TestDeadline proves that the error of a deadline has its cause and names the
// pending method.
func TestDeadline(t *testing.T) {
	u := muteAt(t, "DESCRIBE", func() {})
	s, err := New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 200*time.Millisecond, os.ErrDeadlineExceeded)
	defer cancel()
	if _, err := s.Keyframe(ctx); !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "DESCRIBE") {
		t.Error(err)
	}
}

func TestReadTimeout(t *testing.T) {
	if got := readTimeout(context.Background()); got != silence {
		t.Errorf("without a deadline %v", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if got := readTimeout(ctx); got <= 59*time.Minute {
		t.Errorf("with a deadline in an hour %v", got)
	}
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = grab(t, &url.URL{Scheme: "rtsp", Host: l.Addr().String(), User: url.UserPassword("me", "s3cret")}, nil)
	var network *net.OpError
	if !errors.As(err, &network) || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

func TestNew(t *testing.T) {
	for raw, want := range map[string]bool{
		"rtsp://host/a": true, "rtsps://user:p%40ss@[::1]:99": true, "rtsp://host/a#b": true,
		"http://host/a": false, "rtsp:///a": false, "rtsp:opaque": false, "rtsp://:554/x": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(u, nil); (err == nil) != want {
			t.Errorf("New(%s): %v", raw, err)
		}
	}
}
