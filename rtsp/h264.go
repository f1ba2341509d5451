package rtsp

import "encoding/binary"

// NAL unit types that RFC 6184 5.2 adds to those of H.264.
const (
	stapA  = 24
	stapB  = 25
	mtap16 = 26
	mtap24 = 27
	fuA    = 28
	fuB    = 29
)

// takePayload264 takes the payload of one packet of H.264 (RFC 6184 5.6 to 5.8),
// packetization modes 0 and 1. Packets of mode 2, which is for streams sent out of
// decoding order, count as lost.
func (d *depacketizer) takePayload264(b []byte) {
	switch t := b[0] & 0x1f; t {
	case stapA:
		d.dropFragments()
		d.takeAggregate264(b[1:])
	case fuA:
		if len(b) < 2 {
			d.loseAccessUnit()
			return
		}

		header := [1]byte{b[0]&0xe0 | b[1]&0x1f}
		d.takeFragment(b[1]&0x80 != 0, b[1]&0x40 != 0, header[:], b[2:])
	case stapB, mtap16, mtap24, fuB:
		d.loseAccessUnit()
	default:
		d.dropFragments()
		d.takeUnits(b)
	}
}

// takeAggregate264 takes the NAL units of a STAP-A (RFC 6184 5.7.1), each after its
// size in two bytes. A size of 0 is padding, which some cameras add.
func (d *depacketizer) takeAggregate264(b []byte) {
	for len(b) >= 2 {
		size := int(binary.BigEndian.Uint16(b))
		if size == 0 {
			return
		}
		if b = b[2:]; size > len(b) {
			d.loseAccessUnit()
			return
		}
		d.takeUnits(b[:size])
		b = b[size:]
	}
}

// classifyPayload264 looks at the first slice of a payload of H.264.
func (d *depacketizer) classifyPayload264(b []byte) firstSlice {
	if len(b) < 2 {
		return noSlice
	}
	switch b[0] & 0x1f {
	case stapA:
		return d.classifyAggregate(b[1:], 0)
	case fuA:
		return d.classifySlice([]byte{b[1] & 0x1f}, b[1]&0x80 != 0)
	}
	return d.classifySlice(b, true)
}
