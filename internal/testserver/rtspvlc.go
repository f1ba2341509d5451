package testserver

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// VLC lets VLC serve an Annex B file at "/live", in real time and over and over:
// over UDP alone, TCP it refuses with status 461. The test is skipped where VLC is
// absent.
func VLC(tb testing.TB, file string) *RTSP {
	tb.Helper()
	binary, err := exec.LookPath("cvlc")
	if err != nil {
		tb.Skip("VLC is not installed: make deps")
	}
	// VLC refuses to run as root, and another user may not read where the file is.
	dir, err := os.MkdirTemp("", "kfgrab-vlc-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	looped := filepath.Join(dir, "looped.mp4")
	if out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", file, "-c", "copy", looped).CombinedOutput(); err != nil {
		tb.Fatalf("ffmpeg: %v: %s", err, out)
	}
	s := &RTSP{scheme: "rtsp", addr: freeAddress(tb)}
	cmd := exec.Command(binary, "-I", "dummy", "--loop", "--sout", "#rtp{sdp=rtsp://"+s.addr+"/live}", "--sout-keep", looped)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	if os.Getuid() == 0 {
		const nobody = 65534
		if err := os.Chown(dir, nobody, nobody); err != nil {
			tb.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	s.launch(tb, cmd)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close()
			return s
		}
		if time.Now().After(deadline) {
			tb.Fatalf("VLC does not listen: %v", err)
		}
	}
}
