package ts

// packet is the header of a transport packet (ISO/IEC 13818-1 2.4.3.2) with its
// payload.
type packet struct {
	pid           int
	damaged       bool // transport_error_indicator
	start         bool // payload_unit_start_indicator
	scrambled     bool // transport_scrambling_control is not 00
	discontinuity bool // discontinuity_indicator of the adaptation field
	counter       uint8
	payload       []byte // nil where there is none
}

// pidNull is the PID of stuffing packets.
const pidNull = 0x1fff

// parsePacket reads the packetSize bytes of b.
func parsePacket(b []byte) packet {
	p := packet{
		damaged:   b[1]&0x80 != 0,
		start:     b[1]&0x40 != 0,
		pid:       int(b[1]&0x1f)<<8 | int(b[2]),
		scrambled: b[3]&0xc0 != 0,
		counter:   b[3] & 0x0f,
	}
	at := 4
	if b[3]&0x20 != 0 { // an adaptation field
		length := int(b[4])
		at = 5 + length
		p.discontinuity = length > 0 && b[5]&0x80 != 0
	}
	if b[3]&0x10 != 0 && at < packetSize {
		p.payload = b[at:packetSize]
	}
	return p
}
