package rtsp

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestOddPackets proves that what servers do to packets costs no picture.
func TestOddPackets(t *testing.T) {
	for _, stream := range []struct {
		file  string
		codec keyframe.Codec
	}{{"live.264", keyframe.H264}, {"live.265", keyframe.H265}, {"live-slices.264", keyframe.H264}} {
		s := load(t, stream.file, stream.codec)
		for name, spoil := range map[string]func([]*rtp.Packet) []*rtp.Packet{
			"no end bits": func(list []*rtp.Packet) []*rtp.Packet { clearEndBits(stream.codec, list); return list },
			"no end bits and no markers": func(list []*rtp.Packet) []*rtp.Packet {
				clearEndBits(stream.codec, list)
				for _, k := range list {
					k.Marker = false
				}
				return list
			},
			"a time for each packet": func(list []*rtp.Packet) []*rtp.Packet {
				for i, k := range list {
					k.Timestamp += uint32(i)
				}
				return list
			},
			"each packet twice": func(list []*rtp.Packet) (twice []*rtp.Packet) {
				for _, k := range list {
					twice = append(twice, k, k)
				}
				return twice
			},
			"ten packets again": func(list []*rtp.Packet) (again []*rtp.Packet) {
				for i, k := range list {
					again = append(again, k)
					if i%10 == 9 {
						again = append(again, list[i-9:i+1]...)
					}
				}
				return again
			},
		} {
			t.Run(stream.file+" "+name, func(t *testing.T) {
				p := &packetizer{codec: s.codec}
				for _, u := range s.units {
					p.unit(u)
				}
				var got []*keyframe.Frame
				d := newDepacketizer(s.track(false), func(f *keyframe.Frame) { got = append(got, f) })
				for _, k := range spoil(p.packets) {
					d.pushPacket(k)
				}
				d.endStream(true)
				sameFrames(t, got, s.frames[:len(got)])
				if len(got) < len(s.frames)-1 {
					t.Errorf("%d frames of %d", len(got), len(s.frames))
				}
			})
		}
	}
}

// clearEndBits clears those of all fragments.
func clearEndBits(codec keyframe.Codec, list []*rtp.Packet) {
	for _, k := range list {
		switch {
		case codec == keyframe.H264 && k.Payload[0]&0x1f == fuA:
			k.Payload[1] &^= 0x40
		case codec == keyframe.H265 && k.Payload[0]>>1&0x3f == fragmentation:
			k.Payload[2] &^= 0x40
		}
	}
}

// sendTransportStream sends a file in packets of payload type 33, seven of its own in
// each.
func sendTransportStream(t *testing.T, name string) func(*peer) {
	t.Helper()
	b, err := os.ReadFile(testmedia.Make(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return func(p *peer) {
		const size = 7 * 188
		for i := 0; i < len(b); i += size {
			p.send([]*rtp.Packet{{
				Header:  rtp.Header{Version: 2, PayloadType: 33, SequenceNumber: uint16(i / size), Timestamp: uint32(i)},
				Payload: b[i:min(i+size, len(b))],
			}})
		}
		p.bye()
	}
}

// TestTransportStream proves that MPEG-TS in RTP is read, described and received.
func TestTransportStream(t *testing.T) {
	send := sendTransportStream(t, "h264.ts")
	for _, sdp := range []string{"m=video 0 RTP/AVP 33\r\n", "m=video 0 RTP/AVP 33\r\na=rtpmap:33 MP2T/90000\r\n"} {
		u := (&script{sdp: sdp, play: send}).run(t)
		f, err := grab(t, u, nil)
		if err != nil || f.Codec != keyframe.H264 || f.Info.Width == 0 {
			t.Fatalf("%+v, %v", f, err)
		}

		s, err := New(u, nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.Describe(t.Context())
		if err != nil || d.Codec != f.Codec || d.Info.Width != f.Info.Width {
			t.Errorf("%+v, %v", d, err)
		}
		count, keyframes := 0, 0
		err = s.Receive(t.Context(), func(f *keyframe.Frame) {
			count++
			if f.Kind != keyframe.UnknownKind {
				keyframes++
			}
		})
		if !errors.Is(err, errStreamEnded) || keyframes == 0 || count <= keyframes {
			t.Errorf("%d pictures, %d keyframes, %v", count, keyframes, err)
		}
	}
}

// TestSecondVideo proves that the next video is tried if the first one is silent, has
// no keyframe, or is not set up.
func TestSecondVideo(t *testing.T) {
	s, packets := pictures(t, 0, 3)
	_, headless := pictures(t, 1, 20)
	track := func(name string) string {
		return "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:" + name + "\r\n"
	}
	for name, first := range map[string]func(*peer){
		"silent":      func(*peer) {},
		"no keyframe": func(p *peer) { p.send(headless); p.bye() },
		"refused":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := &script{sdp: track("main") + track("sub")}
			srv.answer = func(p *peer, method string) string {
				if method == "SETUP" {
					p.paused = strings.Contains(srv.last(), "/sub")
					if !p.paused && first == nil {
						return "RTSP/1.0 500 Internal Server Error\r\n"
					}
				}
				return ""
			}
			srv.play = func(p *peer) {
				if p.paused {
					p.send(packets)
					return
				}
				first(p)
			}
			f, err := grab(t, srv.run(t), &Options{KeyframeTimeout: testTimeout / 20})
			if err != nil {
				t.Fatal(err)
			}
			sameFrames(t, []*keyframe.Frame{f}, s.frames[:1])
		})
	}
}

// last returns the last request.
func (s *script) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[len(s.requests)-1]
}
