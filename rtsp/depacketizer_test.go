package rtsp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

var testStreams = []struct {
	name  string
	codec keyframe.Codec
}{{"live.264", keyframe.H264}, {"live-slices.264", keyframe.H264}, {"live.265", keyframe.H265}}

func TestDepacketizerAsSent(t *testing.T) {
	for _, c := range testStreams {
		t.Run(c.name, func(t *testing.T) {
			s := load(t, c.name, c.codec)
			got, _ := depacketize(s.track(false), s.packets())
			sameFrames(t, got, s.frames)
			for i, f := range got {
				if want := time.Duration(i) * time.Second; f.PTS != want {
					t.Errorf("frame %d at %v, want %v, over the wrap of the RTP timestamp", i, f.PTS, want)
				}
			}
		})
	}
}

// TestDepacketizerQuirks proves that all frames come out despite the quirks
// that packets can have.
func TestDepacketizerQuirks(t *testing.T) {
	each := func(f func(*rtp.Packet)) func([]*rtp.Packet) []*rtp.Packet {
		return func(ps []*rtp.Packet) []*rtp.Packet {
			for _, p := range ps {
				f(p)
			}
			return ps
		}
	}
	for _, c := range []struct {
		name   string
		change func([]*rtp.Packet) []*rtp.Packet
	}{
		{"no marker", each(func(p *rtp.Packet) { p.Marker = false })},
		{"marker on every packet", each(func(p *rtp.Packet) { p.Marker = true })},
		{"marker behind every NAL unit", each(func(p *rtp.Packet) {
			p.Marker = p.Payload[0]&0x1f != fuA || p.Payload[1]&0x40 != 0
		})},
		{"each packet twice", func(ps []*rtp.Packet) (out []*rtp.Packet) {
			for _, p := range ps {
				out = append(out, p, p)
			}
			return out
		}},
		{"padding alone between", func(ps []*rtp.Packet) (out []*rtp.Packet) {
			for _, p := range ps {
				q := p.Clone()
				q.SequenceNumber += p.SequenceNumber - ps[0].SequenceNumber
				pad := q.Clone()
				pad.SequenceNumber++
				pad.Payload = nil
				pad.Marker = false
				out = append(out, q, pad)
			}
			return out
		}},
		{"start and end in one fragment", func(ps []*rtp.Packet) []*rtp.Packet {
			for _, p := range ps {
				if t := p.Payload[0] & 0x1f; t >= 1 && t <= 5 {
					p.Payload = append([]byte{p.Payload[0]&0xe0 | fuA, 0xc0 | t}, p.Payload[1:]...)
				}
			}
			return ps
		}},
		{"padding in an aggregate", each(func(p *rtp.Packet) {
			if p.Payload[0]&0x1f == stapA {
				p.Payload = append(p.Payload, 0, 0, 0)
			}
		})},
	} {
		for _, st := range testStreams[:2] {
			t.Run(c.name+"/"+st.name, func(t *testing.T) {
				s := load(t, st.name, st.codec)
				got, _ := depacketize(s.track(false), c.change(s.packets()))
				// Without a marker, the end of the stream's last picture is
				// uncertain, but that picture is no keyframe.
				sameFrames(t, got, s.frames)
			})
		}
	}
}

// TestDepacketizerAnnexB reads Annex B in RTP: an access unit with start codes
// in place of one NAL unit.
func TestDepacketizerAnnexB(t *testing.T) {
	s := load(t, "live.264", keyframe.H264)
	p := &packetizer{codec: s.codec}
	for _, u := range s.units {
		p.fragment(bytes.Join(u, []byte{0, 0, 0, 1}), 1200)
		p.mark()
		p.stamp += videoClock / 25
	}
	got, _ := depacketize(s.track(false), p.packets)
	sameFrames(t, got, s.frames)
}

// TestDepacketizerDONL reads decoding order numbers before, after and between
// NAL units.
func TestDepacketizerDONL(t *testing.T) {
	s := load(t, "live.265", keyframe.H265)
	p := &packetizer{codec: s.codec, donl: true}
	for _, u := range s.units {
		p.unit(u)
	}
	got, _ := depacketize(s.track(true), p.packets)
	sameFrames(t, got, s.frames)
}

// TestDepacketizerManySlices reads an access unit with far more slices than
// other libraries allow (50 and 21 NAL units).
func TestDepacketizerManySlices(t *testing.T) {
	s := loadAny(t, "many-slices.264", keyframe.H264)
	p := &packetizer{codec: s.codec}
	for _, n := range s.units[0] {
		p.single(n)
	}
	p.mark()
	got, _ := depacketize(s.track(false), p.packets)
	if len(got) != 1 {
		t.Fatalf("%d frames", len(got))
	}
	if n, want := bytes.Count(got[0].Data, []byte{0, 0, 1}), len(s.units[0]); n < 115 || n < want-1 {
		t.Errorf("%d NAL units came out of %d", n, want)
	}
}

// TestDepacketizerMarkerTrust proves that a keyframe comes out at its marker,
// without the next packet, once the stream's markers have proved right. Until
// then, the depacketizer holds it.
func TestDepacketizerMarkerTrust(t *testing.T) {
	for _, c := range testStreams {
		t.Run(c.name, func(t *testing.T) {
			s := load(t, c.name, c.codec)
			var got []*keyframe.Frame
			d := newDepacketizer(s.track(false), func(f *keyframe.Frame) { got = append(got, f) })
			p := &packetizer{codec: s.codec}
			p.unit(s.units[0])
			for _, k := range p.packets {
				d.pushPacket(k)
			}
			if len(got) != 0 || !d.hasDoubtedMarker() {
				t.Fatalf("the first access unit of a stream: %d frames, marked %v; want it held", len(got), d.hasDoubtedMarker())
			}
			p.packets = nil
			for _, u := range s.units[1:26] { // up to the second keyframe
				p.unit(u)
			}
			for _, k := range p.packets {
				d.pushPacket(k)
			}
			sameFrames(t, got, s.frames[:2])
		})
	}
}

// TestDepacketizerMarkerKinds proves that right markers after fragments say
// nothing about markers after whole NAL units. This server sets the latter in
// the middle of a picture.
func TestDepacketizerMarkerKinds(t *testing.T) {
	s := load(t, "live-slices.264", keyframe.H264)
	p := &packetizer{codec: s.codec}
	for i, u := range s.units[1:27] {
		for _, n := range u {
			if i == 24 { // the keyframe
				p.single(n)
				p.mark()
			} else {
				p.fragment(n, 100)
			}
		}
		p.mark()
		p.stamp += videoClock / 25
	}
	got, _ := depacketize(s.track(false), p.packets)
	sameFrames(t, got, s.frames[1:2])
}

// TestDepacketizerTakeMarked proves that a held keyframe comes out if nothing
// follows it.
func TestDepacketizerTakeMarked(t *testing.T) {
	s := load(t, "live-slices.264", keyframe.H264)
	p := &packetizer{codec: s.codec}
	p.unit(s.units[0])
	for name, finish := range map[string]func(*depacketizer){
		"after the grace":     (*depacketizer).trustMarker,
		"at a clean end":      func(d *depacketizer) { d.endStream(true) },
		"at a broken off end": func(d *depacketizer) { d.endStream(false) },
	} {
		t.Run(name, func(t *testing.T) {
			var got []*keyframe.Frame
			d := newDepacketizer(s.track(false), func(f *keyframe.Frame) { got = append(got, f) })
			for _, k := range p.packets {
				d.pushPacket(k)
			}
			finish(d)
			sameFrames(t, got, s.frames[:1])
		})
	}
}

// TestDepacketizerCutShort proves that an incomplete access unit is not
// returned.
func TestDepacketizerCutShort(t *testing.T) {
	for _, st := range testStreams {
		s := load(t, st.name, st.codec)
		p := &packetizer{codec: s.codec}
		p.unit(s.units[0])
		for n := range p.packets {
			var got []*keyframe.Frame
			d := newDepacketizer(s.track(false), func(f *keyframe.Frame) { got = append(got, f) })
			for _, k := range p.packets[:n] {
				d.pushPacket(k)
			}
			d.endStream(false)
			if len(got) > 0 {
				t.Errorf("%s: a frame out of the first %d of %d packets", st.name, n, len(p.packets))
			}
		}
	}
}

// TestDepacketizerLoss proves that the loss of any one packet costs its own
// access unit and no other.
func TestDepacketizerLoss(t *testing.T) {
	for _, c := range testStreams {
		t.Run(c.name, func(t *testing.T) {
			s := load(t, c.name, c.codec)
			s.units, s.frames = s.units[:27], s.frames[:2]
			all := s.packets()
			unit := func(n int) int { return int(all[n].Timestamp-all[0].Timestamp) / (videoClock / 25) }
			for hole := range all {
				want, u := s.frames, unit(hole)
				first := hole == 0 || unit(hole-1) != u
				switch {
				case u == 1 && first:
					// The packet might have belonged to the first keyframe, and
					// nothing confirms that keyframe's marker.
					u = 0
				case u > 0 && first:
					u = 1 // the packet had parameter sets, which are known
				}
				if u%25 == 0 {
					want = slices.Delete(slices.Clone(want), u/25, u/25+1)
				}
				got, _ := depacketize(s.track(false), slices.Delete(slices.Clone(all), hole, hole+1))
				sameFrames(t, got, want)
			}
		})
	}
}

// TestDepacketizerSSRC proves that frames continue when another source takes
// over and its numbers start anew.
func TestDepacketizerSSRC(t *testing.T) {
	s := load(t, "live.264", keyframe.H264)
	a := &packetizer{codec: s.codec, ssrc: 1, seq: 9}
	b := &packetizer{codec: s.codec, ssrc: 2, seq: 9000, stamp: 77}
	for i, u := range s.units {
		if i < 40 {
			a.unit(u)
		} else {
			b.unit(u)
		}
	}
	got, _ := depacketize(s.track(false), append(a.packets, b.packets...))
	sameFrames(t, got, s.frames)
}

func TestDepacketizerParameterSets(t *testing.T) {
	s := load(t, "live.264", keyframe.H264)
	v := s.track(false)
	p := &packetizer{codec: s.codec}
	for _, u := range s.units[:2] {
		var rest [][]byte
		for _, n := range u {
			if k := n[0] & 0x1f; k == 7 || k == 8 {
				v.parameterSets = append(v.parameterSets, n)
			} else {
				rest = append(rest, n)
			}
		}
		p.unit(rest)
	}
	got, _ := depacketize(v, p.packets)
	sameFrames(t, got, s.frames[:1])
	v.parameterSets = nil
	if got, d := depacketize(v, p.packets); len(got) != 0 {
		t.Errorf("a frame without parameter sets, %v", d.asm.NotFound())
	}
}

// TestDepacketizerSetsBetweenSlices reads keyframes with parameter sets before
// each slice. A stream joined in the middle of a keyframe waits for the next
// one.
func TestDepacketizerSetsBetweenSlices(t *testing.T) {
	for _, st := range testStreams {
		t.Run(st.name, func(t *testing.T) {
			s := load(t, st.name, st.codec)
			p := &packetizer{codec: s.codec}
			for _, u := range s.units {
				for _, n := range (&parameterSetList{}).between(s.codec, u) {
					p.fragment(n, 1200)
				}
				p.mark()
				p.stamp += videoClock / 25
			}
			got, _ := depacketize(s.track(false), p.packets)
			sameFrames(t, got, s.frames)
			for from := 1; p.packets[from].Timestamp == 0; from++ {
				got, _ := depacketize(s.track(false), p.packets[from:])
				if len(got) == len(s.frames) { // only parameter sets are missing
					got[0].Data, s.frames[0].Data = pictureOf(got[0]), pictureOf(s.frames[0])
					sameFrames(t, got, s.frames)
				} else {
					sameFrames(t, got, s.frames[1:])
				}
			}
		})
	}
}

// between puts the parameter sets of an access unit before each of its slices that
// begin a keyframe.
func (s *parameterSetList) between(c keyframe.Codec, u [][]byte) (nalus [][]byte) {
	for _, n := range u {
		switch {
		case c.IsParameterSet(n):
			s.remember(n)
			continue
		case c.IsRandomAccess(n):
			nalus = append(nalus, *s...)
		}
		nalus = append(nalus, n)
	}
	return nalus
}

func TestSetsAreBounded(t *testing.T) {
	var s parameterSetList
	for i := range 100 {
		s.remember([]byte{0x67, byte(i)})
	}
	s.remember([]byte{0x67, 99}, make([]byte, maxSet+1))
	if len(s) != maxSets || !s.contains([]byte{0x67, 99}) || s.contains([]byte{0x67, 0}) {
		t.Errorf("%x", s)
	}
}

// TestDepacketizerBound proves that endless fragments do not take endless
// memory.
func TestDepacketizerBound(t *testing.T) {
	s := load(t, "live.264", keyframe.H264)
	d := newDepacketizer(s.track(false), func(*keyframe.Frame) {})
	p := &rtp.Packet{Payload: append([]byte{fuA, 0x85}, make([]byte, 60000)...)}
	for range 2 * maxNALU / 60000 {
		d.pushPacket(p)
		p.SequenceNumber++
		p.Payload[1] = 5
	}
	if cap(d.fragments) > 2*maxNALU {
		t.Errorf("%d bytes are held", cap(d.fragments))
	}
}
