package session

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/keyframe"
)

// serverMode, in the environment, turns the test binary into the server of
// BenchmarkHeldOpen. It prints the URL of a stream of 1 Mbit/s and ends when
// its standard input does. As a process of its own it does not count as cost of
// the sessions.
const serverMode = "KFGRAB_SESSION_SERVER"

func serveBenchmark() int {
	o, err := origin.Start(context.Background(), &origin.Options{Profile: origin.Profile{
		Renditions: []origin.Rendition{{Name: "360p", Width: 640, Height: 360, Bitrate: 1_000_000}},
		Segment:    4 * time.Second, GOP: 2 * time.Second, Segments: 2,
	}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer o.Close()
	fmt.Println(o.RTSP(keyframe.H264))
	os.Stdin.Read(make([]byte, 1)) //nolint:errcheck // its end is all there is
	return 0
}

// BenchmarkHeldOpen holds 200 streams of 1 Mbit/s open over loopback. It
// reports the cost of one session once all rings are full: CPU time, the bytes
// of the ring, and resident memory, current and peak. After Close no goroutine
// and no socket may remain.
func BenchmarkHeldOpen(b *testing.B) {
	const (
		sessions = 200
		measured = 20 * time.Second
	)
	rawURL := startServer(b)
	before, others := sockets(b), goleak.IgnoreCurrent()
	for b.Loop() {
		list := make([]*Session, sessions)
		for i := range list {
			list[i] = start(b, rawURL, &Options{Stream: kfgrab.Options{RTSP: kfgrab.RTSPOptions{NoKeyframeRequest: true}}})
		}
		for _, s := range list {
			for s.State().KeptFor < DefaultKeep {
				time.Sleep(100 * time.Millisecond)
			}
		}
		cpu := processTime(b)
		var rss, ring int64
		for range 10 {
			time.Sleep(measured / 10)
			rss += status(b, "VmRSS")
		}
		cpu = processTime(b) - cpu
		var down int64
		for _, s := range list {
			st := s.State()
			if st.Gaps > 0 || st.Dropped > 0 && st.Connections > 1 {
				b.Errorf("%+v", st)
			}
			ring, down = ring+st.KeptBytes, down+st.Down
		}
		b.ReportMetric(float64(cpu.Microseconds())/1e3/measured.Seconds()/sessions, "ms-cpu/s/session")
		b.ReportMetric(float64(ring)/sessions, "ring-B/session")
		b.ReportMetric(float64(rss)/10/sessions, "rss-B/session")
		b.ReportMetric(float64(rss)/10/float64(ring), "rss/ring")
		b.ReportMetric(float64(status(b, "VmHWM"))/float64(ring), "peak-rss/ring")
		for _, s := range list {
			s.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
	if err := goleak.Find(others); err != nil { // goroutines may take a moment to end
		b.Error(err)
	}
	if after := sockets(b); after != before {
		b.Errorf("%d sockets before, %d after", before, after)
	}
}

// startServer runs this binary in serverMode.
func startServer(b *testing.B) (rawURL string) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverMode+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Wait() //nolint:errcheck // it ends with its input
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Skip(err, stderr.String())
	}
	return strings.TrimSpace(line)
}

// sockets counts the open sockets of this process.
func sockets(b *testing.B) (n int) {
	b.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range links {
		if to, _ := os.Readlink(l); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// status returns a line of proc(5)'s status, in bytes.
func status(b *testing.B, name string) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), name+":")
	var kB int64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		b.Fatal(err)
	}
	return kB << 10
}

func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
