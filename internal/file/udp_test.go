package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestUDPAddress(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"udp://239.1.2.3", "needs a port"},
		{"udp://239.1.2.3:0", "needs a port"},
		{"udp://239.1.2.3:99999", "needs a port"},
		{"udp://", "needs a port"},
		{"udp://u:secret@239.1.2.3", "needs a port"},
		{"udp://239.1.2.3:1234?iface=nosuch0", `no network interface "nosuch0"`},
	} {
		u, err := url.Parse(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.OpenUDP(u, nil); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.raw, err)
		}
	}
}

// freePort returns an unused UDP port.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(10_000) // outside every system's range of ephemeral ports
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			conn.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func openUDP(t *testing.T, raw string, o *file.Options) *file.Source {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	s, err := file.OpenUDP(u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// send makes ffmpeg send a recipe in real time, in a loop, until the test ends.
func send(t *testing.T, recipe, format, to string) {
	t.Helper()
	path := testmedia.Make(t, recipe)
	cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", path, "-map", "0:v", "-c", "copy", "-f", format, to)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// TestUDPFromFFmpeg receives from ffmpeg on one host and in a group, with and
// without RTP headers. Each Keyframe waits for a new one.
func TestUDPFromFFmpeg(t *testing.T) {
	for _, c := range []struct{ name, host, format, query, urlQuery string }{
		{"unicast", "127.0.0.1", "mpegts", "?pkt_size=1316", ""},
		{"multicast", "239.255.42.1", "mpegts", "?pkt_size=1316&localaddr=127.0.0.1", "?iface=lo"},
		{"RTP", "127.0.0.1", "rtp_mpegts", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.urlQuery != "" {
				if _, err := net.InterfaceByName("lo"); err != nil {
					t.Skip(err)
				}
			}
			port := freePort(t)
			scheme := "udp"
			if c.format == "rtp_mpegts" {
				scheme = "rtp"
			}
			send(t, "h264.ts", c.format, fmt.Sprintf("%s://%s:%d%s", scheme, c.host, port, c.query))
			var m meter.Counter
			s := openUDP(t, fmt.Sprintf("udp://%s:%d%s", c.host, port, c.urlQuery), &file.Options{Meter: &m})
			for range 2 {
				before := m.Read().Down
				f, err := s.Keyframe(within(t, testTime))
				if err != nil || f.Codec != keyframe.H264 || f.Info.Width != 640 || m.Read().Down == before {
					t.Fatal(f, err)
				}
			}
			if tracks := s.Tracks(); len(tracks) != 1 || tracks[0].Codec != "h264" {
				t.Errorf("tracks %v", tracks)
			}
		})
	}
}

// sendTo sends datagrams until the test ends, even before anybody listens. If
// the address is a group, it uses the interface lo.
func sendTo(t *testing.T, addr string, datagrams func(yield func([]byte) bool)) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	conn, err := dialer.Dial("udp4", addr)
	if err != nil {
		t.Skipf("no datagrams to %s: %v", addr, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(200 * time.Microsecond) // a socket's buffer cannot hold them all
		defer tick.Stop()
		for ctx.Err() == nil {
			for d := range datagrams {
				<-tick.C
				conn.Write(d) // refused while nobody listens
				if ctx.Err() != nil {
					return
				}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		conn.Close()
	})
}

// pieces returns the datagrams of a stream, with 7 packets each.
func pieces(data []byte, header func(payload []byte) []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for at := 0; at < len(data); at += 7 * 188 {
			d := data[at:min(len(data), at+7*188)]
			if header != nil {
				d = header(d)
			}
			if !yield(d) {
				return
			}
		}
	}
}

// TestRTPHeaders proves that kfgrab removes RTP headers with contributing
// sources, an extension and padding.
func TestRTPHeaders(t *testing.T) {
	data := read(t, "h264.ts")
	var sequence uint16
	header := func(payload []byte) []byte {
		sequence++
		p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 33, SequenceNumber: sequence, SSRC: 1, CSRC: []uint32{2, 3}}, Payload: payload}
		if err := p.SetExtension(1, []byte{1, 2, 3}); err != nil {
			t.Error(err)
		}
		p.Padding, p.PaddingSize = true, 4
		b, err := p.Marshal()
		if err != nil {
			t.Error(err)
		}
		return b
	}
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	sendTo(t, addr, pieces(data, header))
	f := grab(t, openUDP(t, "udp://"+addr, nil))
	if f.Info.Width != 640 {
		t.Error(f.Info)
	}
}

// TestRepeatedDatagrams proves that datagrams that come again, at once or later, cost
// no keyframe, and that RTP senders may have sequence numbers that stand still.
func TestRepeatedDatagrams(t *testing.T) {
	data := read(t, "h264.ts")
	number := func(step uint16) func([]byte) []byte {
		var sequence uint16 = 65_530 // wraps
		return func(payload []byte) []byte {
			sequence += step
			p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 33, SequenceNumber: sequence, SSRC: 1}, Payload: payload}
			b, err := p.Marshal()
			if err != nil {
				t.Error(err)
			}
			return b
		}
	}
	for _, c := range []struct {
		name   string
		header func([]byte) []byte
		later  int // how many datagrams after it each comes again
	}{
		{"RTP, at once", number(1), 0},
		{"RTP, after the next", number(1), 1},
		{"RTP, after 20", number(1), 20},
		{"RTP that does not count", number(0), 0},
		{"plain", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
			sendTo(t, addr, func(yield func([]byte) bool) {
				var sent [][]byte
				for d := range pieces(data, c.header) {
					sent = append(sent, d)
					if !yield(d) || (len(sent) > c.later && !yield(sent[len(sent)-1-c.later])) {
						return
					}
				}
			})
			s := openUDP(t, "udp://"+addr, &file.Options{MaxBytes: 2 << 20})
			if f := grab(t, s); f.Info.Width != 640 {
				t.Error(f.Info)
			}
		})
	}
}

// TestOwnGroupOnly proves that kfgrab keeps two channels of one port in
// different groups apart, although the machine has joined both.
func TestOwnGroupOnly(t *testing.T) {
	port := freePort(t)
	other := fmt.Sprintf("239.255.42.2:%d", port)
	sendTo(t, other, pieces(read(t, "h265.ts"), nil))
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip(err)
	}
	neighbour, err := net.ListenMulticastUDP("udp4", lo, &net.UDPAddr{IP: net.IPv4(239, 255, 42, 2), Port: port})
	if err != nil {
		t.Skip(err)
	}
	defer neighbour.Close()
	if _, err := neighbour.Read(make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}

	var m meter.Counter
	s := openUDP(t, fmt.Sprintf("udp://239.255.42.3:%d?iface=lo", port), &file.Options{Meter: &m})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Keyframe(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no data came") || m.Read().Down != 0 {
		t.Errorf("of another group: %v, %d bytes", err, m.Read().Down)
	}
	sendTo(t, fmt.Sprintf("239.255.42.3:%d", port), pieces(read(t, "h264.ts"), nil))
	if f := grab(t, s); f.Codec != keyframe.H264 {
		t.Errorf("%v, of another group", f.Codec)
	}
}

// TestUDPEnds proves that the context ends silence, and the budget a stream
// without keyframes.
func TestUDPEnds(t *testing.T) {
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s := openUDP(t, "udp://"+addr, &file.Options{MaxBytes: 50_000})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Keyframe(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no data came") {
		t.Errorf("silence: %v", err)
	}
	sendTo(t, addr, pieces(read(t, "h264-audio.ts"), nil))
	if _, err := s.Keyframe(within(t, testTime)); !errors.Is(err, fetch.ErrBudget) {
		t.Errorf("no video: %v", err)
	}
	busy, err := net.ListenPacket("udp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	if _, err := s.Keyframe(t.Context()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a port in use: %v", err)
	}
}
