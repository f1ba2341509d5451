package rtsp

import "encoding/binary"

// NAL unit types that RFC 7798 4.4 adds to those of H.265.
const (
	aggregation   = 48
	fragmentation = 49
	paci          = 50
)

// Sizes of decoding order numbers: DONL before the first NAL unit of a packet
// and DOND before the others (RFC 7798 4.4.2).
const (
	donlSize = 2
	dondSize = 1
)

// takePayload265 takes the payload of one packet of H.265 (RFC 7798 4.4.1 to 4.4.3).
// It ignores decoding order numbers and takes NAL units in the order of sending.
// Packets with PACI extensions count as lost.
func (d *depacketizer) takePayload265(b []byte) {
	if len(b) < 2 {
		d.loseAccessUnit()
		return
	}

	switch t := b[0] >> 1 & 0x3f; t {
	case aggregation:
		d.dropFragments()
		d.takeAggregate265(b[2:])
	case fragmentation:
		d.takeFragment265(b)
	case paci:
		d.loseAccessUnit()
	default:
		d.dropFragments()
		d.takeSingle265(b)
	}
}

// takeSingle265 takes a NAL unit that is a packet's whole payload. Its decoding
// order number follows its header.
func (d *depacketizer) takeSingle265(b []byte) {
	if !d.donl {
		d.takeUnits(b)
		return
	}
	if len(b) < 2+donlSize {
		d.loseAccessUnit()
		return
	}
	d.fragments = append(append(d.fragments[:0], b[:2]...), b[2+donlSize:]...)
	d.takeUnits(d.fragments)
}

// takeAggregate265 takes the NAL units of an aggregation packet.
func (d *depacketizer) takeAggregate265(b []byte) {
	order := 0
	if d.donl {
		order = donlSize
	}

	for len(b) >= order+2 {
		size := int(binary.BigEndian.Uint16(b[order:]))
		if size == 0 {
			return
		}
		b = b[order+2:]
		if size > len(b) {
			d.loseAccessUnit()
			return
		}

		d.takeUnits(b[:size])
		b = b[size:]
		if d.donl {
			order = dondSize
		}
	}
}

// takeFragment265 takes a fragmentation unit. The first one of a NAL unit carries
// the decoding order number.
func (d *depacketizer) takeFragment265(b []byte) {
	if len(b) < 3 {
		d.loseAccessUnit()
		return
	}

	start, end := b[2]&0x80 != 0, b[2]&0x40 != 0
	header := [2]byte{b[0]&0x81 | b[2]&0x3f<<1, b[1]}

	b = b[3:]
	if d.donl && start {
		if len(b) < donlSize {
			d.loseAccessUnit()
			return
		}
		b = b[donlSize:]
	}
	d.takeFragment(start, end, header[:], b)
}

// classifyPayload265 looks at the first slice of a payload of H.265.
func (d *depacketizer) classifyPayload265(b []byte) firstSlice {
	if len(b) < 3 {
		return noSlice
	}

	order := 0
	if d.donl {
		order = donlSize
	}

	switch b[0] >> 1 & 0x3f {
	case aggregation:
		return d.classifyAggregate(b[min(2+order, len(b)):], min(order, dondSize))
	case fragmentation:
		return d.classifySlice([]byte{b[2] & 0x3f << 1}, b[2]&0x80 != 0)
	}
	return d.classifySlice(b, true)
}
