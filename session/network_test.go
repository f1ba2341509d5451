package session

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
)

// TestLossy proves that over a bad network pictures may be missing, but none is
// torn.
func TestLossy(t *testing.T) {
	for _, c := range []struct{ recipe, codec string }{{"live.264", "h264"}, {"live.265", "h265"}} {
		t.Run(c.recipe, func(t *testing.T) {
			t.Parallel()
			server := testserver.GStreamer{File: testmedia.Make(t, c.recipe), Codec: c.codec}.Start(t)
			u := testserver.Lossy{Loss: 0.01, Late: 0.02, Seed: 7}.Start(t, server.URL("/live"))
			s := start(t, u.String(), &Options{Stream: kfgrab.Options{RTSP: kfgrab.RTSPOptions{Transport: kfgrab.TransportUDP}}})
			all := reference(t, c.recipe)
			for round := range int64(4) {
				st := await(t, s, "another gap and keyframe", func(st State) bool { return st.Keyframes > round+1 && st.Gaps > round && st.Kept > 0 })
				clip, err := s.Frames(within(t), min(st.Kept, 20), 0, wholes)
				if err != nil {
					t.Fatal(err)
				}
				places(t, clip, all)
			}
			if st := s.State(); st.Dropped == 0 || st.Connections != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// relay forwards connections to a server, which a test may replace.
type relay struct {
	net.Listener
	target atomic.Pointer[string]
	open   sync.WaitGroup
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	r.open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.open.Go(func() { r.pass(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); r.open.Wait() })
	return r
}

func (r *relay) pass(conn net.Conn) {
	defer conn.Close()
	to, err := net.Dial("tcp", *r.target.Load())
	if err != nil {
		return
	}
	r.open.Go(func() {
		io.Copy(to, conn) //nolint:errcheck // either end may go
		to.Close()
		conn.Close()
	})
	io.Copy(conn, to) //nolint:errcheck // as above
	to.Close()
}

// TestReconnect proves that a session survives a restart of its server. It
// keeps its pictures until the next connection has a keyframe.
func TestReconnect(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	r := newRelay(t)
	nobody := r.Addr().String()
	var s *Session
	serve := func(test func(*testing.T)) {
		t.Run("server", func(t *testing.T) { // stops at the end of the subtest
			server := testserver.GStreamer{File: file, Codec: "h264"}.Start(t)
			u := server.URL("/live")
			r.target.Store(new(u.Host))
			if s == nil {
				u.Host = nobody
				var err error
				if s, err = Open(u.String(), nil); err != nil {
					t.Fatal(err)
				}
				s.Start(context.Background())
			}
			test(t)
		})
	}
	serve(func(t *testing.T) {
		await(t, s, "connected", func(st State) bool { return st.Connected && st.Keyframes > 0 })
	})
	defer s.Close()
	gone := "127.0.0.1:1"
	r.target.Store(&gone)
	lost := s.State()
	for deadline := time.Now().Add(testTime); lost.Connected || lost.Attempts < 2; lost = s.State() {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", lost)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if lost.Err == nil || lost.Kept == 0 || lost.Ended {
		t.Errorf("%+v", lost)
	}
	if _, err := s.Latest(); err != nil {
		t.Error(err)
	}
	serve(func(t *testing.T) {
		st := await(t, s, "connected again", func(st State) bool { return st.Connected && st.Keyframes > lost.Keyframes })
		if st.Connections != 2 || st.Err != nil || st.Since.Before(lost.Since) {
			t.Errorf("%+v", st)
		}
		checkRow(t, s, reference(t, "live.264"), 100)
	})
}
