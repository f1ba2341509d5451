package rtsp

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// grabs takes keyframes from one Source and returns the statistics of each
// grab.
func grabs(t *testing.T, u *url.URL, o *Options, times int, check func(*keyframe.Frame)) (list []Stats) {
	t.Helper()
	s, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	return grabsOf(t, s, times, check)
}

// grabsOf takes keyframes from s and closes it.
func grabsOf(t *testing.T, s *Source, times int, check func(*keyframe.Frame)) (list []Stats) {
	t.Helper()
	defer s.Close()
	for range times {
		// Each grab has a context of its own. A kept session outlives it.
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		f, err := s.Keyframe(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		check(f)
		list = append(list, s.Stats())
	}
	return list
}

// TestRoundTrips proves that the first grab waits for the connection, OPTIONS,
// DESCRIBE, SETUP and PLAY, and once more if the server wants credentials.
// Later grabs skip what they know. With KeepSession they send PLAY and PAUSE.
func TestRoundTrips(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	for _, c := range []struct {
		name                     string
		user, password           string
		digest                   bool
		first, second, keptFirst int
	}{
		{"no authentication", "", "", false, 5, 3, 6},
		{"basic", "viewer", "Pass-word_1", false, 6, 3, 7},
		{"digest", "viewer", "Pass-word_1", true, 6, 4, 7},
	} {
		check := func(t *testing.T, srv *testserver.RTSP, path string) {
			picture := func(f *keyframe.Frame) { checkPicture(t, f, file) }
			got := grabs(t, srv.URL(path), nil, 3, picture)
			for i, want := range []int{c.first, c.second, c.second} {
				if g := got[i]; g.RoundTrips != want || (g.Reused == reusedDescription) != (i > 0) {
					t.Errorf("grab %d: %+v, want %d round trips", i, g, want)
				}
			}
			got = grabs(t, srv.URL(path), &Options{KeepSession: true}, 3, picture)
			for i, want := range []int{c.keptFirst, 2, 2} {
				if g := got[i]; g.RoundTrips != want || (g.Reused == reusedSession) != (i > 0) {
					t.Errorf("grab %d of a session that is kept: %+v, want %d round trips", i, g, want)
				}
			}
		}
		t.Run("GStreamer, "+c.name, func(t *testing.T) {
			t.Parallel()
			g := testserver.GStreamer{File: file, Codec: "h264", User: c.user, Password: c.password, Digest: c.digest}
			check(t, g.Start(t), "/live")
		})
		t.Run("MediaMTX, "+c.name, func(t *testing.T) {
			t.Parallel()
			srv := testserver.MediaMTX{User: c.user, Password: c.password, Digest: c.digest}.Start(t)
			srv.Publish(t, file, "/cam")
			check(t, srv, "/cam")
		})
	}
}

// TestKeysAreNotReused proves that keys from DESCRIBE hold for one session
// only.
func TestKeysAreNotReused(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	srv := testserver.MediaMTX{TLS: true}.Start(t)
	srv.Publish(t, file, "/cam")
	o := &Options{RootCAs: srv.Roots}
	for _, g := range grabs(t, srv.URL("/cam"), o, 2, func(f *keyframe.Frame) { checkPicture(t, f, file) }) {
		if g.Reused != reusedNothing {
			t.Errorf("%+v", g)
		}
	}
}

// methods lists the requests to a script, except TEARDOWN, whose time is unknown.
// "+" marks those with credentials.
func (s *script) methods() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, r := range s.requests {
		method, rest, _ := strings.Cut(r, " ")
		switch {
		case method == "TEARDOWN":
			continue
		case strings.Contains(rest, "Authorization:["):
			method += "+"
		}
		list = append(list, method)
	}
	return strings.Join(list, " ")
}

// challenge answers requests without credentials with 401.
func challenge(with ...string) func(*peer, string) string {
	return func(p *peer, method string) string {
		if method == "OPTIONS" || p.head.Get("Authorization") != "" {
			return ""
		}
		return "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: " + strings.Join(with, "\r\nWWW-Authenticate: ") + "\r\n"
	}
}

const (
	basicChallenge  = `Basic realm="r"`
	digestChallenge = `Digest realm="r", nonce="n"`
)

func TestSecondGrab(t *testing.T) {
	_, packets := pictures(t, 0, 2)
	bare, sets := withoutSets(t)
	for _, c := range []struct {
		name    string
		answer  func(*peer, string) string
		sdp     string
		packets []*rtp.Packet
		want    string
	}{
		{"no authentication", nil, "", packets, "OPTIONS DESCRIBE SETUP PLAY SETUP PLAY"},
		{"basic", challenge(basicChallenge), "", packets, "OPTIONS DESCRIBE DESCRIBE+ SETUP+ PLAY+ SETUP+ PLAY+"},
		{"digest", challenge(digestChallenge), "", packets, "OPTIONS DESCRIBE DESCRIBE+ SETUP+ PLAY+ SETUP SETUP+ PLAY+"},
		{"either", challenge(basicChallenge, digestChallenge), "", packets, "OPTIONS DESCRIBE DESCRIBE+ SETUP+ PLAY+ SETUP SETUP+ PLAY+"},
		{"parameter sets in the SDP alone", nil, sets, bare, "OPTIONS DESCRIBE SETUP PLAY OPTIONS DESCRIBE SETUP PLAY"},
		{"a DESCRIBE before each SETUP", describeFirst, "", packets, "OPTIONS DESCRIBE SETUP PLAY SETUP OPTIONS DESCRIBE SETUP PLAY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: h264SDP + c.sdp, answer: c.answer, play: func(p *peer) { p.send(c.packets) }}
			u := srv.run(t)
			u.User = url.UserPassword("user", "password")
			grabs(t, u, nil, 2, func(*keyframe.Frame) {})
			if got := srv.methods(); got != c.want {
				t.Errorf("requests\n%s, want\n%s", got, c.want)
			}
		})
	}
}

// describeFirst refuses SETUP on a connection without a DESCRIBE.
func describeFirst(p *peer, method string) string {
	p.described = p.described || method == "DESCRIBE"
	if method == "SETUP" && !p.described {
		return "RTSP/1.0 455 Method Not Valid in This State\r\n"
	}
	return ""
}

// withoutSets returns pictures without parameter sets, and an SDP attribute with
// them.
func withoutSets(t *testing.T) (packets []*rtp.Packet, attribute string) {
	t.Helper()
	s := load(t, "live.264", keyframe.H264)
	var sets []string
	p := &packetizer{codec: s.codec}
	for _, u := range s.units[:2] {
		var rest [][]byte
		for _, n := range u {
			if kind := n[0] & 0x1f; kind == 7 || kind == 8 {
				sets = append(sets, base64.StdEncoding.EncodeToString(n))
			} else {
				rest = append(rest, n)
			}
		}
		p.unit(rest)
	}
	return p.packets, "a=fmtp:96 sprop-parameter-sets=" + strings.Join(sets, ",") + "\r\n"
}

// TestKeptSessionGone proves that a grab replaces a session that the server has
// dropped.
func TestKeptSessionGone(t *testing.T) {
	_, packets := pictures(t, 0, 2)
	for name, answer := range map[string]func(*peer, string) string{
		"hung up behind PAUSE": func(p *peer, method string) string {
			if p.paused {
				p.Close()
			}
			p.paused = method == "PAUSE"
			return ""
		},
		"454": func(p *peer, method string) string {
			if p.paused {
				return "RTSP/1.0 454 Session Not Found\r\n"
			}
			p.paused = method == "PAUSE"
			return ""
		},
		"no PAUSE": func(_ *peer, method string) string {
			if method == "PAUSE" {
				return "RTSP/1.0 501 Not Implemented\r\n"
			}
			return ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: h264SDP, answer: answer, play: func(p *peer) { p.send(packets) }}
			for i, g := range grabs(t, srv.run(t), &Options{KeepSession: true}, 2, func(*keyframe.Frame) {}) {
				if want := []string{reusedNothing, reusedDescription}[i]; g.Reused != want {
					t.Errorf("grab %d: %+v", i, g)
				}
			}
		})
	}
}

// TestForget proves that a Source forgets what it knew of a stream that fails.
func TestForget(t *testing.T) {
	_, packets := pictures(t, 0, 2)
	var gone atomic.Bool
	srv := &script{sdp: h264SDP, play: func(p *peer) { p.send(packets) }}
	srv.answer = func(_ *peer, method string) string {
		if gone.Load() && method != "OPTIONS" {
			return "RTSP/1.0 404 Not Found\r\n"
		}
		return ""
	}
	s, err := New(srv.run(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Keyframe(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone.Store(true)
	for range 2 {
		if _, err := s.Keyframe(t.Context()); err == nil || !strings.Contains(err.Error(), "DESCRIBE: 404") {
			t.Error(err)
		}
	}
	if got := srv.methods(); got != "OPTIONS DESCRIBE SETUP PLAY SETUP OPTIONS DESCRIBE OPTIONS DESCRIBE" {
		t.Error(got)
	}
}
