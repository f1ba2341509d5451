package rtsp

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// receive gathers pictures until the stream ends or enough returns true.
func receive(t *testing.T, u *url.URL, o *Options, enough func([]*keyframe.Frame) bool) (all []*keyframe.Frame, err error) {
	t.Helper()
	s, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	return receiveFrom(t, s, enough)
}

func receiveFrom(t *testing.T, s *Source, enough func([]*keyframe.Frame) bool) (all []*keyframe.Frame, err error) {
	t.Helper()
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	err = s.Receive(ctx, func(f *keyframe.Frame) {
		if all = append(all, f); enough(all) {
			cancel()
		}
	})
	return all, err
}

// live returns the byte stream of a recipe.
func live(t *testing.T, recipe string) []byte {
	t.Helper()
	b, err := os.ReadFile(testmedia.Make(t, recipe))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func never([]*keyframe.Frame) bool { return false }

// fromKeyframe drops the pictures before the first random access picture.
func fromKeyframe(all []*keyframe.Frame) []*keyframe.Frame {
	return all[max(0, slices.IndexFunc(all, func(f *keyframe.Frame) bool { return f.Kind != keyframe.UnknownKind })):]
}

func data(all []*keyframe.Frame) (b []byte) {
	for _, f := range all {
		b = append(b, f.Data...)
	}
	return b
}

// TestReceive proves that all pictures of a stream come, with the right times.
// A picture that lacks a packet is missing, and the next one is marked as after
// a gap.
func TestReceive(t *testing.T) {
	s, packets := pictures(t, 0, 100)
	hole := slices.IndexFunc(packets, func(p *rtp.Packet) bool { return p.Timestamp == packets[0].Timestamp+30*3600 })
	for name, c := range map[string]struct {
		packets []*rtp.Packet
		want    int
		gapAt   int
	}{
		"whole":       {packets, 100, -1},
		"with a hole": {slices.Concat(packets[:hole], packets[hole+1:]), 99, 30},
		"clock back":  {setBack(packets), 100, -1},
	} {
		srv := &script{sdp: h264SDP, play: func(p *peer) { p.send(c.packets); p.bye() }}
		all, err := receive(t, srv.run(t), nil, never)
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(all) != c.want {
			t.Fatalf("%s: %d pictures, %v", name, len(all), err)
		}
		for i, f := range all {
			step := 40 * time.Millisecond
			if i == c.gapAt {
				step *= 2
			}
			back := name == "clock back" && i == 50
			if i > 0 && f.PTS-all[i-1].PTS != step && !back || f.AfterGap != (i == c.gapAt) || f.PTS < 0 {
				t.Errorf("%s: picture %d at %v, after a gap: %v", name, i, f.PTS, f.AfterGap)
			}
		}
		got := testmedia.Hashes(t, data(all[:30]), "-f", "h264")
		if want := testmedia.Hashes(t, live(t, "live.264"), "-f", "h264"); !slices.Equal(got, want[:30]) {
			t.Errorf("%s: other pictures", name)
		}
		if f := all[0]; f.Info != s.frames[0].Info || f.Kind != keyframe.IDR {
			t.Errorf("%s: begins with %+v", name, f.Info)
		}
	}
}

// setBack sets the clock back an hour after the fiftieth picture.
func setBack(packets []*rtp.Packet) (list []*rtp.Packet) {
	for _, p := range packets {
		c := *p
		if p.Timestamp >= packets[0].Timestamp+50*3600 {
			c.Timestamp -= 3600 * 90000
		}
		list = append(list, &c)
	}
	return list
}

// TestReceiveAsksForKeyframes proves that kfgrab requests a keyframe after a
// loss, and otherwise does not.
func TestReceiveAsksForKeyframes(t *testing.T) {
	_, packets := pictures(t, 0, 100)
	for name, c := range map[string]struct {
		packets []*rtp.Packet
		want    int
	}{
		"whole":         {packets, 0},
		"with a hole":   {slices.Concat(packets[:len(packets)/2], packets[len(packets)/2+1:]), 1},
		"in the middle": {packets[len(packets)/2:], 1},
	} {
		srv := &script{sdp: h264SDP, play: func(p *peer) {
			p.send(c.packets)
			for range c.want {
				p.script.report(p.in)
			}
			p.bye()
		}}
		t.Run(name, func(t *testing.T) { // the server has read everything when the subtest ends
			if _, err := receive(t, srv.run(t), nil, never); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
		})
		if got := len(srv.reports); got != c.want {
			t.Errorf("%s: %d requests for a keyframe, want %d", name, got, c.want)
		}
	}
}

// TestReceiveFromServers proves that pictures from a real server decode as the
// stream does, over either transport.
func TestReceiveFromServers(t *testing.T) {
	for _, c := range []struct {
		file, codec string
		transport   Transport
	}{
		{"live.264", "h264", TCP},
		{"live.265", "h265", UDP},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			file := testmedia.Make(t, c.file)
			srv := testserver.GStreamer{File: file, Codec: c.codec}.Start(t)
			s, err := New(srv.URL("/live"), &Options{Transport: c.transport})
			if err != nil {
				t.Fatal(err)
			}
			all, err := receiveFrom(t, s, func(all []*keyframe.Frame) bool {
				return len(fromKeyframe(all)) == 60
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			all = fromKeyframe(all)
			got := testmedia.Hashes(t, data(all), "-f", all[0].Codec.String())
			want := testmedia.Hashes(t, live(t, c.file), "-f", all[0].Codec.String())
			want = append(want, want...) // the server sends the file in a loop
			at := slices.Index(want, got[0])
			if at < 0 || len(got) != 60 || !slices.Equal(got, want[at:at+60]) {
				t.Errorf("%d pictures that the file does not have so", len(got))
			}
			if down, _, _ := s.Traffic(); down < int64(len(data(all))) {
				t.Errorf("%d bytes counted of %d", down, len(data(all)))
			}
		})
	}
}

// TestReceiveEnds proves that both a silent server and the end of the context
// end Receive.
func TestReceiveEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := New(muteAt(t, "packets", cancel), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(ctx, func(*keyframe.Frame) {}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
