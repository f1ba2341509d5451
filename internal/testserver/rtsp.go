package testserver

import (
	"bufio"
	"context"
	"crypto/x509"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// RTSP is a running RTSP server.
type RTSP struct {
	Roots *x509.CertPool // verify its certificate, if it has TLS

	scheme, addr string
	user, pass   string
	publish      string // address where MediaMTX accepts streams
	hls          string // address where it serves HLS

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced with each new line
	ended bool
}

// URL returns the URL of a path such as "/live", with the user and password of the
// server, if any.
func (s *RTSP) URL(path string) *url.URL {
	u := &url.URL{Scheme: s.scheme, Host: s.addr, Path: path}
	if s.user != "" {
		u.User = url.UserPassword(s.user, s.pass)
	}
	return u
}

// Await waits for a line of the server's output that contains text, and returns all
// lines so far. The test fails if none comes.
func (s *RTSP) Await(tb testing.TB, text string) []string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		s.mu.Lock()
		lines, more, ended := s.lines, s.more, s.ended
		s.mu.Unlock()
		for _, l := range lines {
			if strings.Contains(l, text) {
				return lines
			}
		}
		if ended {
			tb.Fatalf("the server ended without %q:\n%s", text, strings.Join(lines, "\n"))
		}
		select {
		case <-more:
		case <-ctx.Done():
			tb.Fatalf("no %q from the server:\n%s", text, strings.Join(lines, "\n"))
		}
	}
}

// readLines collects the lines of r until it ends.
func (s *RTSP) readLines(r io.Reader) {
	for in := bufio.NewScanner(r); in.Scan(); {
		s.addLine(in.Text(), false)
	}
	s.addLine("", true)
}

func (s *RTSP) addLine(line string, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last {
		s.ended = true
	} else {
		s.lines = append(s.lines, line)
	}
	close(s.more)
	s.more = make(chan struct{})
}

// launchServer runs cmd, reads its output, and ends it with the test.
func (s *RTSP) launchServer(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	s.more = make(chan struct{})
	out, in, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	keepOpen, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	in.Close()
	var reading sync.WaitGroup
	reading.Go(func() { s.readLines(out) })
	tb.Cleanup(func() {
		keepOpen.Close()
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait() //nolint:errcheck // it was told to end
		reading.Wait()
		out.Close()
	})
}

// GStreamer describes what GStreamer's RTSP server serves at "/live".
type GStreamer struct {
	File           string // Annex B, at 25 pictures a second, over and over; "" for an encoder with a keyframe every ten seconds
	Codec          string // "h264" or "h265"
	Audio          bool   // a second, G.711 track
	User, Password string
	Digest         bool // instead of basic authentication
	TLS            bool
	Feedback       bool // offers RTP/AVPF
	Multicast      bool // runs as if on another host, because its sockets conflict with a viewer's
}

// Start runs it. testdata/rtsp/gstserver.py documents its output. Start skips the test
// if GStreamer or its Python binding is not installed.
func (g GStreamer) Start(tb testing.TB) *RTSP {
	tb.Helper()
	s := &RTSP{scheme: "rtsp", user: g.User, pass: g.Password}
	args := []string{filepath.Join(findRepository(tb), "testdata/rtsp/gstserver.py"), "--codec", g.Codec}
	if g.Audio {
		args = append(args, "--audio")
	}
	if g.User != "" {
		args = append(args, "--user", g.User, "--password", g.Password)
	}
	if g.Digest {
		args = append(args, "--digest")
	}
	if g.TLS {
		s.scheme = "rtsps"
		args = append(args, "--certificate", s.oneFileCertificate(tb))
	}
	if g.Feedback {
		args = append(args, "--feedback")
	}
	if g.File == "" {
		g.File = "-"
	}
	host, command := "127.0.0.1", exec.Command
	if g.Multicast {
		n := newNamespace(tb)
		host, command = n.address, n.command
		args = append(args, "--address", host, "--multicast", n.device)
	}
	s.launchServer(tb, command(findPython(tb), append(args, g.File)...))
	for _, l := range s.Await(tb, "port ") {
		if port, ok := strings.CutPrefix(l, "port "); ok {
			s.addr = host + ":" + port
		}
	}
	return s
}

// oneFileCertificate makes a certificate and returns a file with it and its key.
func (s *RTSP) oneFileCertificate(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	cert, key, both := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "both.pem")
	s.Roots = makeCertificate(tb, cert, key)
	var text []byte
	for _, name := range []string{cert, key} {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		text = append(text, b...)
	}
	if err := os.WriteFile(both, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	return both
}

// findPython finds an interpreter with GStreamer's binding. That of the distribution has it;
// another one before it in PATH has not.
func findPython(tb testing.TB) string {
	tb.Helper()
	const script = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", script).Run() == nil {
			return name
		}
	}
	tb.Skip("GStreamer's RTSP server or its Python binding is not installed: make deps")
	return ""
}

// findRepository returns the directory of the module's go.mod.
func findRepository(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
