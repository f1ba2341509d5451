package rtsp

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// checkTransport grabs twice. It checks which transport the pictures used, and
// that their bytes were counted.
func checkTransport(t *testing.T, u *url.URL, o Options, want Transport, file string) {
	t.Helper()
	s, err := New(u, &o)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range grabsOf(t, s, 2, func(f *keyframe.Frame) { checkPicture(t, f, file) }) {
		if g.Transport != want || g.Packets == 0 || g.Bytes == 0 || g.Wait <= 0 {
			t.Errorf("%+v, want %v", g, want)
		}
		if down, _, _ := s.Traffic(); down < g.Bytes {
			t.Errorf("%d bytes down, fewer than %d of the packets", down, g.Bytes)
		}
	}
}

func TestGStreamerTransports(t *testing.T) {
	for _, st := range streams {
		t.Run(st.file, func(t *testing.T) {
			t.Parallel()
			file := testmedia.Make(t, st.file)
			srv := testserver.GStreamer{File: file, Codec: st.codec}.Start(t)
			checkTransport(t, srv.URL("/live"), Options{Transport: UDP}, UDP, file)
			checkTransport(t, srv.URL("/live"), Options{Transport: Auto}, TCP, file)
		})
	}
}

func TestMediaMTXTransports(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", secure), func(t *testing.T) {
			t.Parallel()
			srv := testserver.MediaMTX{User: "viewer", Password: "Pass-word_1", Digest: true, TLS: secure}.Start(t)
			srv.Publish(t, file, "/cam")
			u := srv.URL("/cam")
			o := Options{RootCAs: srv.Roots}
			checkTransport(t, u, o, TCP, file)
			for _, tunnel := range []string{"+http", "+ws"} {
				u := *u
				u.Scheme += tunnel
				checkTransport(t, &u, o, TCP, file)
			}
			o.Transport = UDP
			checkTransport(t, u, o, UDP, file)
		})
	}
}

// TestVLC proves that Auto works with VLC, which sends over UDP only, and that
// TCP gives an error with the next step.
func TestVLC(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	srv := testserver.VLC(t, file)
	checkTransport(t, srv.URL("/live"), Options{Transport: Auto}, UDP, file)
	_, err := grab(t, srv.URL("/live"), &Options{Transport: TCP})
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 461 || !strings.Contains(err.Error(), "try another") {
		t.Error(err)
	}
}

func TestGStreamerMulticast(t *testing.T) {
	file := testmedia.Make(t, "live.265")
	srv := testserver.GStreamer{File: file, Codec: "h265", Multicast: true}.Start(t)
	checkTransport(t, srv.URL("/live"), Options{Transport: Multicast}, Multicast, file)
}

// TestSecureUDP proves that UDP is refused for rtsps, because the datagrams
// would not be encrypted.
func TestSecureUDP(t *testing.T) {
	srv := testserver.GStreamer{File: testmedia.Make(t, "live.264"), Codec: "h264", TLS: true}.Start(t)
	_, err := grab(t, srv.URL("/live"), &Options{RootCAs: srv.Roots, Transport: UDP})
	if !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), "only TCP is safe") {
		t.Error(err)
	}
}

// TestAuto proves that Auto switches to UDP if the server refuses TCP, or
// chooses UDP by itself. The next grab starts with UDP.
func TestAuto(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	for name, refusal := range map[string]string{
		"461":              "RTSP/1.0 461 Unsupported Transport\r\n",
		"UDP all the same": ok + "Session: 1\r\nTransport: RTP/AVP;unicast;client_port=1-2;server_port=3-4\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: h264SDP, answer: overUDP(t, refusal, packets)}
			o := &Options{Transport: Auto}
			for _, g := range grabs(t, srv.run(t), o, 2, func(f *keyframe.Frame) { sameFrames(t, []*keyframe.Frame{f}, s.frames[:1]) }) {
				if g.Transport != UDP || g.Requested != 0 {
					t.Errorf("%+v", g)
				}
			}
			if got := srv.methods(); got != "OPTIONS DESCRIBE SETUP SETUP PLAY SETUP PLAY" {
				t.Error(got)
			}
		})
	}
}

// overUDP refuses TCP and sends packets over UDP, from ports that it does not
// announce.
func overUDP(t *testing.T, refusal string, packets []*rtp.Packet) func(*peer, string) string {
	t.Helper()
	out, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return func(p *peer, method string) string {
		transport := p.head.Get("Transport")
		switch {
		case method == "SETUP" && strings.Contains(transport, "TCP"):
			return refusal
		case method == "SETUP":
			_, ports, _ := strings.Cut(transport, "client_port=")
			fmt.Sscanf(ports, "%d", &p.port) //nolint:errcheck // nothing comes then
		case method == "PLAY":
			sendTo(out, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.port}, packets)
		}
		return ""
	}
}

func TestMulticast(t *testing.T) {
	s, packets := pictures(t, 0, 2)
	srv := &script{sdp: h264SDP, answer: toGroup(t, packets)}
	o := &Options{Transport: Multicast}
	for _, g := range grabs(t, srv.run(t), o, 2, func(f *keyframe.Frame) { sameFrames(t, []*keyframe.Frame{f}, s.frames[:1]) }) {
		if g.Transport != Multicast || g.Packets == 0 {
			t.Errorf("%+v", g)
		}
	}
	refusing := &script{sdp: h264SDP, answer: func(_ *peer, method string) string {
		if method == "SETUP" {
			return ok + "Session: 1\r\nTransport: RTP/AVP;unicast;client_port=1-2;server_port=3-4\r\n"
		}
		return ""
	}}
	if _, err := grab(t, refusing.run(t), o); !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), "to multicast groups") {
		t.Error(err)
	}
}

// toGroup sends packets to a multicast group over the loopback interface.
func toGroup(t *testing.T, packets []*rtp.Packet) func(*peer, string) string {
	t.Helper()
	out, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	raw, err := out.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInet4Addr(int(fd), syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, [4]byte{127, 0, 0, 1})
	})
	if err = errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	group := &net.UDPAddr{IP: net.IPv4(239, 255, 42, 42), Port: out.LocalAddr().(*net.UDPAddr).Port}
	return func(_ *peer, method string) string {
		switch method {
		case "SETUP":
			return fmt.Sprintf(ok+"Session: 1\r\nTransport: RTP/AVP;multicast;destination=%v;port=%d-%d;ttl=1\r\n", group.IP, group.Port, group.Port+1)
		case "PLAY":
			sendTo(out, group, packets)
		}
		return ""
	}
}

func sendTo(out *net.UDPConn, to *net.UDPAddr, packets []*rtp.Packet) {
	for _, k := range packets {
		if b, err := k.Marshal(); err == nil {
			out.WriteTo(b, to) //nolint:errcheck // the client may be gone
		}
	}
}

// TestUDPSilent proves that without a datagram the wait ends at
// KeyframeTimeout, not after gortsplib's limits of three seconds or one.
func TestUDPSilent(t *testing.T) {
	srv := &script{sdp: h264SDP, answer: overUDP(t, "", nil)}
	_, err := grab(t, srv.run(t), &Options{Transport: UDP, KeyframeTimeout: 300 * time.Millisecond})
	if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "no datagram came within 300ms") {
		t.Error(err)
	}
}

// TestNoTunnel proves that a plain HTTP server at a tunnel's URL gives an error
// with its status.
func TestNoTunnel(t *testing.T) {
	for code, scheme := range map[int]string{404: "rtsp+http", 401: "rtsp+http", 400: "rtsp+ws"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		defer srv.Close()
		_, err := grab(t, &url.URL{Scheme: scheme, Host: srv.Listener.Addr().String(), Path: "/"}, nil)
		var status *StatusError
		if !errors.As(err, &status) || status.Code != code || !strings.Contains(err.Error(), "no RTSP tunnel") {
			t.Error(err)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for raw, want := range map[string]string{
		"rtsp://me:pw@h/a#b":      "rtsp://me:pw@h/a",
		"rtsps://h/a":             "rtsps://h/a",
		"rtsp+http://h/a":         "rtsp://h:80/a",
		"rtsps+http://h/a?b=c":    "rtsps://h:443/a?b=c",
		"rtsp+ws://me:pw@[::1]/a": "rtsp://me:pw@[::1]:80/a",
		"rtsps+ws://h:1234/a":     "rtsps://h:1234/a",
		"http://h/a":              "",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := parseAddress(u)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%s: %v, %v, want %q", raw, got, err, want)
		}
	}
}

func TestParseTransport(t *testing.T) {
	for want := Auto; want <= Multicast; want++ {
		if got, err := ParseTransport(want.String()); err != nil || got != want {
			t.Errorf("%v: %v, %v", want, got, err)
		}
	}
	if _, err := ParseTransport("sctp"); err == nil {
		t.Error("sctp was taken")
	}
}
