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

// payload265 takes the payload of one packet of H.265 (RFC 7798 4.4.1 to 4.4.3).
// Decoding order numbers are passed over: NAL units are taken in the order of
// sending. Packets with PACI extensions count as lost.
func (d *depacketizer) payload265(b []byte) {
	if len(b) < 2 {
		d.lose()
		return
	}
	switch t := b[0] >> 1 & 0x3f; t {
	case aggregation:
		d.whole()
		d.aggregate265(b[2:])
	case fragmentation:
		d.fragment265(b)
	case paci:
		d.lose()
	default:
		d.whole()
		d.single265(b)
	}
}

// single265 takes a NAL unit that is a packet's whole payload; its decoding order
// number stands behind its header.
func (d *depacketizer) single265(b []byte) {
	if !d.donl {
		d.units(b)
		return
	}
	if len(b) < 2+donlSize {
		d.lose()
		return
	}
	d.fragments = append(append(d.fragments[:0], b[:2]...), b[2+donlSize:]...)
	d.units(d.fragments)
}

// aggregate265 takes the NAL units of an aggregation packet.
func (d *depacketizer) aggregate265(b []byte) {
	order := 0
	if d.donl {
		order = donlSize
	}
	for len(b) >= order+2 {
		size := int(binary.BigEndian.Uint16(b[order:]))
		b = b[order+2:]
		if size == 0 {
			return
		}
		if size > len(b) {
			d.lose()
			return
		}
		d.units(b[:size])
		b = b[size:]
		if d.donl {
			order = dondSize
		}
	}
}

// fragment265 takes a fragmentation unit, whose first one carries the decoding
// order number.
func (d *depacketizer) fragment265(b []byte) {
	if len(b) < 3 {
		d.lose()
		return
	}
	start, end := b[2]&0x80 != 0, b[2]&0x40 != 0
	header := [2]byte{b[0]&0x81 | b[2]&0x3f<<1, b[1]}
	b = b[3:]
	if d.donl && start {
		if len(b) < donlSize {
			d.lose()
			return
		}
		b = b[donlSize:]
	}
	d.fragment(start, end, header[:], b)
}
