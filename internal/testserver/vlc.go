package testserver

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// VLC makes VLC serve an Annex B file at "/live", in real time and in a loop. It sends
// over UDP only, and refuses TCP with status 461. VLC skips the test if it is not
// installed.
func VLC(tb testing.TB, file string) *RTSP {
	tb.Helper()
	binary, err := exec.LookPath("cvlc")
	if err != nil {
		tb.Skip("VLC is not installed: make deps")
	}
	// VLC refuses to run as root, and another user may not read the file's directory.
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
	s.launchServer(tb, cmd)
	// It listens before it has the stream, and answers 500 until then.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		answer, err := sendDescribe(s.addr)
		if err == nil && strings.HasPrefix(answer, "RTSP/1.0 200 ") {
			return s
		}
		if time.Now().After(deadline) {
			tb.Fatalf("VLC does not describe its stream: %q, %v", answer, err)
		}
	}
}

// sendDescribe returns the first line of an answer to DESCRIBE (RFC 2326 10.2).
func sendDescribe(addr string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "DESCRIBE rtsp://%s/live RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n", addr)
	return bufio.NewReader(conn).ReadString('\n')
}
