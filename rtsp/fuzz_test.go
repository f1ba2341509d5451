package rtsp

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// choices supplies numbers that the fuzzer controls.
type choices []byte

func (c *choices) upTo(n int) int {
	if len(*c) == 0 {
		return 0
	}
	v := int((*c)[0])
	*c = (*c)[1:]
	return v * n / 256
}

// cut sends an access unit in one of all possible packetizations.
func (c *choices) cut(p *packetizer, nalus [][]byte) {
	for len(nalus) > 0 {
		switch how := c.upTo(4); {
		case how == 0 || len(nalus[0]) < 3:
			p.single(nalus[0])
		case how == 1 && len(nalus) > 1 && len(nalus[0])+len(nalus[1]) < 60000:
			p.aggregate(nalus[:2]...)
			nalus = nalus[1:]
		default:
			p.fragment(nalus[0], 1+len(nalus[0])/(1+c.upTo(40)))
		}
		nalus = nalus[1:]
	}
}

// markAs sets the markers of one access unit's packets as some servers do: on
// the last packet, on every packet, or after every whole NAL unit too.
func markAs(how int, packets []*rtp.Packet) {
	for i, k := range packets {
		switch last := i == len(packets)-1; how {
		case 0:
			k.Marker = last
		case 1:
			k.Marker = true
		case 2:
			k.Marker = last || k.Payload[0]&0x1f != fuA
		}
	}
}

// pictureOf returns the slices of a frame. The NAL units before them may be lost,
// and the parameter sets may be older ones.
func pictureOf(f *keyframe.Frame) (b []byte) {
	for n := range keyframe.AnnexB(f.Data) {
		if f.Codec.IsSlice(n) {
			b = keyframe.AppendNALU(b, n)
		}
	}
	return b
}

// FuzzDepacketizer checks that with any fragmentation the frames returned are
// those sent. With packets missing, every frame returned must be one that was
// sent.
func FuzzDepacketizer(f *testing.F) {
	var all []*stream
	for _, c := range testStreams {
		s := load(f, c.name, c.codec)
		s.units = s.units[:27] // two keyframes
		s.frames = s.frames[:2]
		all = append(all, s)
	}
	f.Add(byte(0), byte(0), []byte{}, []byte{})
	f.Add(byte(1), byte(1), []byte{1, 2, 3, 200, 100, 255, 90, 150}, []byte{9})
	f.Add(byte(2), byte(2), bytes.Repeat([]byte{200, 250}, 100), []byte{3, 1, 40})
	f.Add(byte(1), byte(2), bytes.Repeat([]byte{100, 0, 180}, 50), []byte{})
	f.Add(byte(5), byte(3), bytes.Repeat([]byte{130, 7}, 80), []byte{30, 0, 0, 1})
	f.Add(byte(0x95), byte(5), []byte("0"), []byte("000\xe6\xe6\xe6\xe6")) // all that stands before a slice is lost
	f.Add(byte(5), byte(3), []byte{0x82, '0'}, []byte{0})                  // the video parameter set alone is lost
	f.Fuzz(func(t *testing.T, which, marking byte, cuts, holes []byte) {
		s := all[int(which)%len(all)]
		donl := s.codec == keyframe.H265 && which > 128
		p := &packetizer{codec: s.codec, donl: donl, seq: uint16(which) << 8}
		c := choices(cuts)
		for _, u := range s.units {
			from := len(p.packets)
			if marking&8 != 0 {
				u = (&parameterSetList{}).between(s.codec, u)
			}
			c.cut(p, u)
			markAs(int(marking)%4, p.packets[from:])
			p.stamp += videoClock / 25
		}
		packets := p.packets
		for _, gap := range holes {
			if at := int(gap) * len(packets) / 256; at < len(packets) {
				packets = append(packets[:at:at], packets[at+1:]...)
			}
		}
		got, _ := depacketize(s.track(donl), packets)
		if len(holes) == 0 {
			sameFrames(t, got, s.frames)
			return
		}
		for _, g := range got {
			if b := pictureOf(g); !bytes.Equal(b, pictureOf(s.frames[0])) && !bytes.Equal(b, pictureOf(s.frames[1])) {
				t.Errorf("a frame of %d bytes that was not sent", len(g.Data))
			}
		}
	})
}

// FuzzPackets checks that packets with any bytes cause no panic, and that the
// depacketizer holds no more than it received.
func FuzzPackets(f *testing.F) {
	for _, seed := range [][]byte{
		{stapA, 0, 2, 0x67, 1, 0, 9},
		{fuA, 0x85, 1, 2},
		{fuA},
		{0x65, 0x88, 0, 0, 1, 0x41},
		{stapB, 1, 2, 3},
		{aggregation << 1, 1, 0, 3, 0x40, 1, 7},
		{fragmentation << 1, 1, 0x93, 1},
		{paci << 1, 1, 1},
		{0, 0, 0},
	} {
		f.Add(true, uint8(7), seed)
		f.Add(false, uint8(3), seed)
	}
	f.Fuzz(func(t *testing.T, h265 bool, size uint8, b []byte) {
		v := &videoTrack{codec: keyframe.H264, clock: videoClock}
		if h265 {
			v.codec, v.donl = keyframe.H265, size > 128
		}
		total := 0
		var p rtp.Packet
		d := newDepacketizer(v, func(f *keyframe.Frame) { total -= len(f.Data) })
		for len(b) > 1 {
			n := min(len(b)-1, int(size)%32)
			p.Marker, p.SequenceNumber, p.Timestamp = b[0]&1 != 0, p.SequenceNumber+uint16(b[0]>>7)^1, p.Timestamp+uint32(b[0]>>5)
			p.Payload = b[1 : 1+n]
			total += 8 * (n + 8)
			b = b[1+n:]
			d.pushPacket(&p)
			if len(d.fragments) > total {
				t.Fatalf("%d bytes held", len(d.fragments))
			}
		}
		d.endStream(size&1 == 0)
	})
}
