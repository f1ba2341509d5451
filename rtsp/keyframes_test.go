package rtsp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// inTurn takes keyframes to the end, but no more than most, and calls taken for
// each.
func inTurn(t *testing.T, s *Source, most int, taken func()) (list []*keyframe.Frame, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	err = s.Keyframes(ctx, func(f *keyframe.Frame) bool {
		list = append(list, f)
		taken()
		return len(list) < most
	})
	return list, err
}

// TestKeyframes proves that one session returns several keyframes in turn from
// real servers. With KeepSession, the next grab uses it too.
func TestKeyframes(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	check := func(t *testing.T, srv *testserver.RTSP, path string, o *Options) {
		s, err := New(srv.URL(path), o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for again := range 2 {
			list, err := inTurn(t, s, 2, func() {})
			if err != nil || len(list) != 2 {
				t.Fatal(len(list), err)
			}
			for i, f := range list {
				checkPicture(t, f, file)
				if i > 0 && f.PTS <= list[i-1].PTS {
					t.Errorf("keyframe %d at %v, the one before at %v", i, f.PTS, list[i-1].PTS)
				}
			}
			g := s.Stats()
			if kept := o != nil && o.KeepSession && again > 0; (g.Reused == reusedSession) != kept || g.Packets == 0 || g.Lost > 0 {
				t.Errorf("%+v", g)
			}
		}
	}
	t.Run("GStreamer", func(t *testing.T) {
		t.Parallel()
		check(t, testserver.GStreamer{File: file, Codec: "h264"}.Start(t), "/live", nil)
	})
	t.Run("MediaMTX", func(t *testing.T) {
		t.Parallel()
		srv := testserver.MediaMTX{}.Start(t)
		srv.Publish(t, file, "/cam")
		check(t, srv, "/cam", nil)
		check(t, srv, "/cam", &Options{KeepSession: true})
		check(t, srv, "/cam", &Options{Transport: UDP})
	})
}

// TestKeyframesEnd proves that the error after the last keyframe says so,
// whatever ends the stream. The budget counts for all keyframes.
func TestKeyframesEnd(t *testing.T) {
	live, first := pictures(t, 0, 2)
	_, second := pictures(t, 2, 27)
	_, rest := pictures(t, 27, 30)
	for _, c := range []struct {
		name string
		end  func(*peer)
		o    Options
		want int // keyframes
		text string
	}{
		{"BYE", (*peer).bye, Options{}, 2, "no keyframe after the last one (the stream ended after"},
		{"hung up", func(p *peer) { p.Close() }, Options{}, 2, "after the last one (the stream ended after"},
		{"late", func(*peer) {}, Options{KeyframeTimeout: 300 * time.Millisecond}, 2, "no keyframe after the last one (within 300ms)"},
		{"the budget", func(*peer) {}, Options{MaxBytes: 40_000}, 1, "after the last one (within 40000 bytes)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			taken := make(chan bool, 2)
			srv := &script{sdp: h264SDP, play: func(p *peer) {
				p.send(first)
				<-taken
				p.send(renumbered(second, len(first)))
				if c.want == 2 {
					<-taken
				}
				p.send(renumbered(rest, len(first)+len(second)))
				c.end(p)
			}}
			s, err := New(srv.run(t), &c.o)
			if err != nil {
				t.Fatal(err)
			}
			list, err := inTurn(t, s, 3, func() { taken <- true })
			if !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
			sameFrames(t, list, live.frames[:c.want])
		})
	}
}

// renumbered returns packets whose sequence numbers start at n.
func renumbered(packets []*rtp.Packet, n int) (list []*rtp.Packet) {
	for i, p := range packets {
		other := *p
		other.SequenceNumber = uint16(n + i)
		list = append(list, &other)
	}
	return list
}

// TestKeyframesMeanwhile proves that while the caller uses a keyframe, the next
// one waits and later ones are skipped.
func TestKeyframesMeanwhile(t *testing.T) {
	live, packets := pictures(t, 0, 100)
	r := newReceiver(live.track(false), 1<<20)
	take := func(want *keyframe.Frame) {
		t.Helper()
		<-r.settled
		f, err := r.takeFrame()
		if want == nil {
			if f != nil || !errors.Is(err, keyframe.ErrNotFound) {
				t.Errorf("%v, %v", f, err)
			}
			return
		}
		sameFrames(t, []*keyframe.Frame{f}, []*keyframe.Frame{want})
	}
	for len(packets) > 0 && packets[0].Timestamp < 90000+2*3600 {
		r.pushPacket(packets[0])
		packets = packets[1:]
	}
	take(live.frames[0])
	for _, p := range packets {
		r.pushPacket(p)
	}
	take(live.frames[1])
	select {
	case <-r.settled:
		t.Error("there is another one")
	default:
	}
	r.endStream(true)
	take(nil)
	if got := r.readStats(); got.Lost > 0 || got.Damaged > 0 || got.Packets == 0 {
		t.Errorf("%+v", got)
	}
}
