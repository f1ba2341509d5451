package rtsp

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// stream is a test stream in access units, with its frames.
type stream struct {
	codec  keyframe.Codec
	units  [][][]byte // the NAL units of each access unit
	frames []*keyframe.Frame
}

// load returns a stream of four keyframes.
func load(tb testing.TB, name string, c keyframe.Codec) *stream {
	tb.Helper()
	s := loadAny(tb, name, c)
	if len(s.frames) != 4 {
		tb.Fatalf("%s has %d keyframes, want 4", name, len(s.frames))
	}
	return s
}

func loadAny(tb testing.TB, name string, c keyframe.Codec) *stream {
	tb.Helper()
	b, err := os.ReadFile(testmedia.Make(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	s := &stream{codec: c}
	var unit [][]byte
	slices := false
	for n := range keyframe.AnnexB(b) {
		header := 1
		if c == keyframe.H265 {
			header = 2
		}
		slice := c.IsSlice(n)
		// The first bit of a slice is set in a picture's first slice.
		if slices && (!slice || n[header]&0x80 != 0) {
			s.units, unit, slices = append(s.units, unit), nil, false
		}
		unit, slices = append(unit, n), slices || slice
	}
	s.units = append(s.units, unit)
	a := keyframe.NewAssembler(c)
	for _, u := range s.units {
		for _, n := range u {
			if f := a.Push(n, keyframe.NoPTS); f != nil {
				s.frames = append(s.frames, f)
			}
		}
		if f := a.EndAccessUnit(); f != nil {
			s.frames = append(s.frames, f)
		}
	}
	return s
}

// track returns the track that an SDP without parameter sets describes.
func (s *stream) track(donl bool) *videoTrack {
	return &videoTrack{codec: s.codec, clock: videoClock, donl: donl}
}

// packetizer makes RTP packets from NAL units.
type packetizer struct {
	codec   keyframe.Codec
	donl    bool
	seq     uint16
	ssrc    uint32
	stamp   uint32
	packets []*rtp.Packet
}

func (p *packetizer) send(payload []byte) {
	p.packets = append(p.packets, &rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: p.seq, Timestamp: p.stamp, SSRC: p.ssrc},
		Payload: payload,
	})
	p.seq++
}

// mark sets the marker of the last packet.
func (p *packetizer) mark() { p.packets[len(p.packets)-1].Marker = true }

// don appends a decoding order number of size bytes if the stream has them.
func (p *packetizer) don(b []byte, size int) []byte {
	if p.donl {
		b = append(b, make([]byte, size)...)
	}
	return b
}

func (p *packetizer) single(n []byte) {
	if p.codec == keyframe.H265 {
		b := p.don(bytes.Clone(n[:2]), donlSize)
		p.send(append(b, n[2:]...))
		return
	}
	p.send(bytes.Clone(n))
}

func (p *packetizer) aggregate(nalus ...[]byte) {
	b := []byte{stapA}
	if p.codec == keyframe.H265 {
		b = p.don([]byte{aggregation << 1, 1}, donlSize)
	}
	for i, n := range nalus {
		if i > 0 && p.codec == keyframe.H265 {
			b = p.don(b, dondSize)
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(n))), n...)
	}
	p.send(b)
}

// fragment sends n in pieces of the given size.
func (p *packetizer) fragment(n []byte, size int) {
	indicator, kind := []byte{n[0]&0xe0 | fuA}, n[0]&0x1f
	rest := n[1:]
	if p.codec == keyframe.H265 {
		indicator, kind = []byte{n[0]&0x81 | fragmentation<<1, n[1]}, n[0]>>1&0x3f
		rest = n[2:]
	}
	for first := true; first || len(rest) > 0; first = false {
		m := min(size, len(rest))
		header := kind
		if first {
			header |= 0x80
		}
		if m == len(rest) {
			header |= 0x40
		}
		b := append(bytes.Clone(indicator), header)
		if first && p.codec == keyframe.H265 {
			b = p.don(b, donlSize)
		}
		p.send(append(b, rest[:m]...))
		rest = rest[m:]
	}
}

// unit sends an access unit as servers do: parameter sets together, slices in
// fragments that fit an Ethernet frame, the marker on the last packet.
func (p *packetizer) unit(nalus [][]byte) {
	for len(nalus) > 0 {
		n := 0
		for n < len(nalus) && len(nalus[n]) < 400 {
			n++
		}
		switch {
		case n > 1:
			p.aggregate(nalus[:n]...)
		default:
			if n = 1; len(nalus[0]) <= 1400 {
				p.single(nalus[0])
			} else {
				p.fragment(nalus[0], 1400)
			}
		}
		nalus = nalus[n:]
	}
	p.mark()
	p.stamp += videoClock / 25
}

// packets returns the packets of s.
func (s *stream) packets() []*rtp.Packet {
	p := &packetizer{codec: s.codec, seq: 65500, stamp: 1<<32 - 30*videoClock/25}
	for _, u := range s.units {
		p.unit(u)
	}
	return p.packets
}

// depacketize returns the frames in packets, and the depacketizer.
func depacketize(v *videoTrack, packets []*rtp.Packet) (frames []*keyframe.Frame, d *depacketizer) {
	d = newDepacketizer(v, func(f *keyframe.Frame) { frames = append(frames, f) })
	for _, p := range packets {
		d.pushPacket(p)
	}
	d.endStream(true)
	return frames, d
}

func sameFrames(t *testing.T, got, want []*keyframe.Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d frames, want %d", len(got), len(want))
		return
	}
	for i := range got {
		if !bytes.Equal(got[i].Data, want[i].Data) {
			t.Errorf("frame %d of %d bytes is not the one of %d bytes that was sent", i, len(got[i].Data), len(want[i].Data))
		}
	}
}
