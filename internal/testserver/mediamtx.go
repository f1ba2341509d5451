package testserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// MediaMTX describes how MediaMTX runs.
type MediaMTX struct {
	User, Password string // for readers
	Digest         bool   // instead of basic authentication
	TLS            bool
	HLS            bool // serves low-latency HLS as well: RTSP.HLS
}

// mediamtxConfig switches off everything except RTSP and, if wanted, HLS. Publishing
// needs no password.
const mediamtxConfig = `
logLevel: debug
rtmp: no
hls: %[8]t
hlsAddress: %[9]s
hlsAlwaysRemux: yes
hlsVariant: lowLatency
webrtc: no
srt: no
moq: no
rtspTransports: [tcp, udp]
rtpAddress: %[10]s
rtcpAddress: %[11]s
srtpAddress: %[12]s
srtcpAddress: %[13]s
rtspEncryption: "%[1]s"
rtspAddress: %[2]s
rtspsAddress: %[3]s
rtspServerCert: %[4]s
rtspServerKey: %[4]s
rtspAuthMethods: [%[5]s]
authInternalUsers:
- user: any
  permissions: [{action: publish}]
- user: %[6]s
  pass: %[7]s
  permissions: [{action: read}]
paths:
  all_others:
`

// Start runs it. It skips the test unless testdata/tools/mediamtx.sh has built
// MediaMTX.
func (m MediaMTX) Start(tb testing.TB) *RTSP {
	tb.Helper()
	binary := mediamtxBinary(tb)
	s := &RTSP{scheme: "rtsp", user: m.User, pass: m.Password}
	plain, secure := freeAddress(tb), freeAddress(tb)
	s.addr, s.publish, s.hls = plain, plain, freeAddress(tb)
	rtp, rtcp := freePair(tb)
	srtp, srtcp := freePair(tb)
	encryption, certificate, method, user := "no", "none.pem", "basic", "any"
	if m.TLS {
		s.scheme, s.addr = "rtsps", secure
		encryption, certificate = "optional", s.oneFileCertificate(tb)
	}
	if m.Digest {
		method = "digest"
	}
	if m.User != "" {
		user = m.User
	}
	text := fmt.Sprintf(mediamtxConfig, encryption, plain, secure, certificate, method, user, m.Password, m.HLS, s.hls,
		rtp, rtcp, srtp, srtcp)
	file := filepath.Join(tb.TempDir(), "mediamtx.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	s.launchServer(tb, exec.Command(binary, file))
	s.Await(tb, "[RTSP] started")
	if m.TLS {
		s.Await(tb, "[RTSPS] started")
	}
	if m.HLS {
		s.Await(tb, "[HLS] started")
	}
	return s
}

func mediamtxBinary(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("KFGRAB_TOOLS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			tb.Skip("no cache directory to look for MediaMTX in")
		}
		dir = filepath.Join(cache, "kfgrab-tools")
	}
	binary := filepath.Join(dir, "mediamtx-v1.21.0", "mediamtx")
	if _, err := os.Stat(binary); err != nil {
		tb.Skip("MediaMTX is not built: testdata/tools/mediamtx.sh")
	}
	return binary
}

// freeAddress returns an address that nothing listens on. The servers can neither choose
// one nor accept a listening socket.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// freePair returns two neighbouring UDP ports, the first of them even.
func freePair(tb testing.TB) (rtp, rtcp string) {
	tb.Helper()
	for range 100 {
		first, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			tb.Fatal(err)
		}
		addr := *first.LocalAddr().(*net.UDPAddr)
		second := addr
		second.Port++
		other, err := net.ListenUDP("udp", &second)
		first.Close()
		if err == nil {
			other.Close()
		}
		if err == nil && addr.Port%2 == 0 {
			return addr.String(), second.String()
		}
	}
	tb.Fatal("no two free UDP ports")
	return "", ""
}

// Publish makes ffmpeg send file to path, in real time and in a loop. It returns when the
// server has the stream.
func (s *RTSP) Publish(tb testing.TB, file, path string) {
	tb.Helper()
	// A byte stream cannot be looped, a file with an index can.
	looped := filepath.Join(tb.TempDir(), "looped.mp4")
	if out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", file, "-c", "copy", looped).CombinedOutput(); err != nil {
		tb.Fatalf("ffmpeg: %v: %s", err, out)
	}
	var stderr strings.Builder
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", looped,
		"-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+s.publish+path)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		tb.Skipf("cannot publish: %v", err)
	}
	tb.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait() //nolint:errcheck // it was told to end
		if tb.Failed() {
			tb.Logf("ffmpeg: %s", stderr.String())
		}
	})
	s.Await(tb, "is publishing to path '"+strings.TrimPrefix(path, "/")+"'")
}

// HLS returns the URL of the master playlist of the stream at path, with MediaMTX.HLS.
func (s *RTSP) HLS(path string) string { return "http://" + s.hls + path + "/index.m3u8" }
