package rtsp

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// checkTolerated proves that srv delivers the first keyframe of the live stream.
func checkTolerated(t *testing.T, srv *script, user *url.Userinfo) {
	t.Helper()
	s, packets := pictures(t, 0, 3)
	if srv.sdp == "" {
		srv.sdp = h264SDP
	}
	if srv.play == nil {
		srv.play = func(p *peer) { p.send(packets) }
	}
	u := srv.run(t)
	u.User = user
	f, err := grab(t, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, []*keyframe.Frame{f}, s.frames[:1])
}

// editedConn changes what a script sends.
type editedConn struct {
	net.Conn
	edit func(string) string
}

func (c *editedConn) Write(b []byte) (int, error) {
	if _, err := io.WriteString(c.Conn, c.edit(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// editAnswers makes a script edit each answer before it is sent.
func editAnswers(edit func(string) string) func(*peer, string) string {
	return func(p *peer, _ string) string {
		if _, edited := p.Conn.(*editedConn); !edited {
			p.Conn = &editedConn{p.Conn, func(text string) string {
				if !strings.HasPrefix(text, "RTSP/") {
					return text
				}
				return edit(text)
			}}
		}
		return ""
	}
}

func TestOddHeaders(t *testing.T) {
	replace := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	for name, edit := range map[string]func(string) string{
		"a blank after Content-Length": replace(fmt.Sprintf("Length: %d\r\n", len(h264SDP)), fmt.Sprintf("Length: %d \r\n", len(h264SDP))),
		"blanks before colons":         replace("Content-Length:", "Content-Length :", "CSeq:", "CSeq\t:", "Session:", "Session :"),
		"no blanks after colons":       replace(": ", ":"),
		"line feeds alone": func(s string) string {
			head, body, _ := strings.Cut(s, "\r\n\r\n")
			return strings.ReplaceAll(head, "\r", "") + "\n\n" + body
		},
		"lower case":                     replace("CSeq", "cseq", "Content-Length", "content-length", "Transport", "transport", "Session", "session", "Content-Type", "content-type"),
		"Content-Length twice":           replace("Content-Length", fmt.Sprintf("Content-Length: %d\r\nContent-Length", len(h264SDP))),
		"a line that is no field":        replace("CSeq", "Welcome\r\nCSeq"),
		"a continued line":               replace("CSeq", "Server: camera\r\n of mine\r\nCSeq"),
		"RTSP/2.0":                       replace("RTSP/1.0", "RTSP/2.0"),
		"no reason":                      replace("200 OK", "200"),
		"a long field":                   replace("CSeq", "Server: "+strings.Repeat("x", 5000)+"\r\nCSeq"),
		"a session with blanks":          replace("Session: 1", "Session:  1 ; timeout = 60.5"),
		"Content-Base without scheme":    replace("Content-Type", "Content-Base: 192.168.1.9/live/\r\nContent-Type"),
		"Content-Base that is no URL":    replace("Content-Type", "Content-Base: rtsp://[x/\r\nContent-Type"),
		"Content-Base as a path":         replace("Content-Type", "Content-Base: /live/\r\nContent-Type"),
		"100 Continue before the answer": replace("RTSP/1.0 200 OK\r\n", "RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\nRTSP/1.0 200 OK\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkTolerated(t, &script{answer: editAnswers(edit)}, nil)
		})
	}
}

func TestOddCSeq(t *testing.T) {
	for _, cseq := range []string{"", "CSeq: 0\r\n", "CSeq: \r\n", "CSeq: x\r\n", "CSeq: 4711\r\n", "CSeq: -1\r\n"} {
		t.Run(cseq, func(t *testing.T) {
			t.Parallel()
			checkTolerated(t, &script{answer: editAnswers(func(s string) string {
				before, after, _ := strings.Cut(s, "CSeq: ")
				_, after, _ = strings.Cut(after, "\r\n")
				return before + cseq + after
			})}, nil)
		})
	}
}

// stale is a packet of another session.
func stale(ssrc uint32) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 1, SSRC: ssrc},
		Payload: append([]byte{0x41}, make([]byte, 300)...),
	}
}

func TestStalePackets(t *testing.T) {
	checkTolerated(t, &script{answer: func(p *peer, _ string) string {
		p.send([]*rtp.Packet{stale(77)})
		p.frame(1, []byte{0x81, 203, 0, 1, 0, 0, 0, 77}) // its BYE
		return ""
	}}, nil)
}

func TestJunk(t *testing.T) {
	_, packets := pictures(t, 0, 3)
	checkTolerated(t, &script{
		answer: editAnswers(func(s string) string { return "\r\n\r\n" + s }),
		play: func(p *peer) {
			p.send(packets[:2])
			io.WriteString(p, "\x00junk") //nolint:errcheck // the client may be gone
			p.send(packets[2:])
		},
	}, nil)
}

func TestNoOptions(t *testing.T) {
	for _, status := range []string{"404 Not Found", "405 Method Not Allowed", "501 Not Implemented", "400 Bad Request", "454 Session Not Found", "551 No"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			srv := &script{answer: func(_ *peer, method string) string {
				return map[string]string{"OPTIONS": "RTSP/1.0 " + status + "\r\n"}[method]
			}}
			checkTolerated(t, srv, nil)
			if got := srv.methods(); got != "OPTIONS DESCRIBE SETUP PLAY" {
				t.Error(got)
			}
		})
	}
}

func TestOddTransport(t *testing.T) {
	for _, answered := range []string{
		"", "RTP/AVP/TCP;unicast", "RTP/AVP/TCP", "RTP/AVP/TCP;unicast;interleaved=0", "rtp/avp/tcp; unicast; Interleaved = 0-1",
		"RTP/AVPF/TCP;unicast;interleaved=0-1", "RTP/AVP;unicast;interleaved=0-1", `RTP/AVP/TCP;interleaved=0-1;mode="PLAY,RECORD";ssrc=xyz`,
		"unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=1-2",
	} {
		t.Run(answered, func(t *testing.T) {
			t.Parallel()
			checkTolerated(t, &script{answer: func(_ *peer, method string) string {
				switch {
				case method != "SETUP":
					return ""
				case answered == "":
					return ok + "Session: 1\r\n"
				}
				return ok + "Session: 1\r\nTransport: " + answered + "\r\n"
			}}, nil)
		})
	}
}

func TestServerRequests(t *testing.T) {
	_, packets := pictures(t, 0, 3)
	for _, request := range []string{"GET_PARAMETER /live RTSP/1.0", "ANNOUNCE rtsp://%zz/ RTSP/1.0", "OPTIONS * RTSP/1.0", "SET_PARAMETER  RTSP/1.0"} {
		checkTolerated(t, &script{play: func(p *peer) {
			p.send(packets[:2])
			fmt.Fprint(p, request+"\r\nCSeq: 7\r\n\r\n")
			p.send(packets[2:])
		}}, nil)
	}
}

// TestOtherProtocols proves that the first answer shows what a port speaks.
func TestOtherProtocols(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n": "speaks HTTP",
		"\x15\x03\x01\x00\x02\x02\x46":                          "speaks TLS; try rtsps://",
		"SSH-2.0-OpenSSH_9.2\r\n":                               "does not speak RTSP (\"SSH-2.0-OpenSSH_9.2\")",
		"220 mail.example\r\n":                                  "does not speak RTSP",
	} {
		srv := &script{answer: func(p *peer, _ string) string {
			io.WriteString(p.Conn, answer) //nolint:errcheck // the client may be gone
			p.in.Peek(1)                   //nolint:errcheck // waits for the end
			return ""
		}}
		_, err := grab(t, srv.run(t), nil)
		if !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", answer, err, want)
		}
	}
}

// TestStaleNonce proves that a nonce may be good for one request, and that algorithms
// which the server offers and refuses are followed by the others.
func TestStaleNonce(t *testing.T) {
	for _, params := range []string{"", ", stale=true", ", algorithm=MD5", `, qop="auth", stale=TRUE`} {
		t.Run(params, func(t *testing.T) {
			t.Parallel()
			used := 0
			checkTolerated(t, &script{answer: func(p *peer, method string) string {
				nonce := fmt.Sprint("nonce", used)
				field := p.head.Get("Authorization")
				if method == "OPTIONS" || method == "TEARDOWN" || provesMD5(field, method, nonce) {
					if method != "OPTIONS" {
						used++
					}
					return ""
				}
				return fmt.Sprintf("RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"%s\"%s\r\n", nonce, params)
			}}, url.UserPassword("me", "pw"))
		})
	}
}

func provesMD5(field, method, nonce string) bool {
	v := map[string]string{}
	for _, m := range authParameter.FindAllStringSubmatch(field, -1) {
		v[m[1]] = m[2] + m[3]
	}
	h := func(parts ...string) string { return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":")))) }
	a1, a2 := h("me", "r", "pw"), h(method, v["uri"])
	want := h(a1, nonce, a2)
	if v["qop"] != "" {
		want = h(a1, nonce, v["nc"], v["cnonce"], v["qop"], a2)
	}
	return v["response"] == want
}

func TestRefusedAlgorithm(t *testing.T) {
	srv := &script{answer: func(p *peer, method string) string {
		if method == "OPTIONS" || provesMD5(p.head.Get("Authorization"), method, "n") {
			return ""
		}
		return "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n" +
			"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5\r\n"
	}}
	checkTolerated(t, srv, url.UserPassword("me", "pw"))
}

func TestControl(t *testing.T) {
	for _, c := range []struct{ base, control, want string }{
		{"rtsp://h/live", "trackID=1", "rtsp://h/live/trackID=1 rtsp://h/trackID=1"},
		{"rtsp://h/live/", "trackID=1", "rtsp://h/live/trackID=1"},
		{"rtsp://h/a/b", "/media/1/video/1", "rtsp://h/media/1/video/1 rtsp://h/a/b/media/1/video/1"},
		{"rtsp://h/", "/media/1/video/1", "rtsp://h/media/1/video/1"},
		{"rtsp://h/cam?channel=1", "trackID=0", "rtsp://h/cam?channel=1/trackID=0 rtsp://h/trackID=0"},
		{"rtsp://h/cam", "?trackID=0", "rtsp://h/cam?trackID=0"},
		{"rtsp://h/cam", "*", "rtsp://h/cam"},
		{"rtsp://h/cam", "", "rtsp://h/cam"},
		{"rtsp://h:8554/cam", "rtsp://10.0.0.1/cam/track1", "rtsp://h:8554/cam/track1"},
	} {
		base, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range controlURLs(base, c.control) {
			got = append(got, u.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s in %s: %v, want %s", c.control, c.base, got, c.want)
		}
	}
}

func TestContentBase(t *testing.T) {
	asked, err := url.Parse("rtsp://me:pw@h:8554/live")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "rtsp://h:8554/live", "*": "rtsp://h:8554/live", "rtsp://10.0.0.1/x/": "rtsp://h:8554/x/", "10.0.0.1/x/": "rtsp://h:8554/x/",
		"/x/": "rtsp://h:8554/x/", "//h/x/": "rtsp://h:8554/x/", "rtsp://[x/": "rtsp://h:8554/live",
	} {
		if got := baseURL(asked, text, "").String(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestForeignSources proves that packets of other sources do no harm to a picture.
func TestForeignSources(t *testing.T) {
	_, packets := pictures(t, 0, 3)
	for name, foreign := range map[string][]uint32{"one": {9}, "three": {7, 8, 9}, "eight": {1, 2, 3, 4, 5, 6, 7, 8}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkTolerated(t, &script{play: func(p *peer) {
				for i, k := range packets {
					p.send([]*rtp.Packet{stale(foreign[i%len(foreign)]), k})
				}
			}}, nil)
		})
	}
}

// TestBrokenExtension proves that a header extension is skipped by its length.
func TestBrokenExtension(t *testing.T) {
	_, packets := pictures(t, 0, 3)
	for _, extension := range [][]byte{
		{0xbe, 0xde, 0, 1, 0x1f, 0, 0, 0}, {0x10, 0, 0, 1, 1, 0xff, 0, 0}, {0xab, 0xac, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {1, 2, 0, 0},
	} {
		checkTolerated(t, &script{play: func(p *peer) {
			for _, k := range packets {
				b, err := k.Marshal()
				if err != nil {
					t.Error(err)
				}
				b[0] |= 0x10
				p.frame(0, slices.Concat(b[:12], extension, b[12:]))
			}
		}}, nil)
	}
}

// TestPayloadTypes proves that each payload type of the codec is read, and that others
// are named.
func TestPayloadTypes(t *testing.T) {
	_, packets := pictures(t, 0, 3)
	for _, k := range packets {
		k.PayloadType = 97
	}
	send := func(p *peer) { p.send(packets) }
	for _, sdp := range []string{
		"m=video 0 RTP/AVP 96 97\r\na=rtpmap:96 H264/90000\r\na=rtpmap:97 H264/90000\r\n",
		"m=video 0 RTP/AVP 97\r\na=rtpmap:102 H265/90000\r\na=rtpmap:97 H264/90000\r\n",
		"m=video 0 RTP/AVP 97\r\na=rtpmap:96 H264/90000\r\n",
	} {
		checkTolerated(t, &script{sdp: sdp, play: send}, nil)
	}
	_, err := grab(t, (&script{sdp: h264SDP, play: send}).run(t), &Options{KeyframeTimeout: testTimeout / 50})
	if err == nil || !strings.Contains(err.Error(), "payload type 97") {
		t.Error(err)
	}
}
