package rtsp

import (
	"encoding/binary"
	"slices"
)

// repairPacket returns an RTP packet that pion and gortsplib read. It changes b in
// place.
//
// It removes the header extension, whose elements need not make sense to be skipped
// (RFC 3550 5.3.1): pion refuses a packet for one that overruns (TestBrokenExtension).
// It writes the payload type of v over another one that carries the same, because
// gortsplib knows one only (TestPayloadTypes).
func repairPacket(b []byte, v *videoTrack) []byte {
	if pt := payloadTypeOf(b); slices.Contains(v.synonyms, pt) {
		b[1] = b[1]&^maxPayloadType | v.payloadType
	}

	const extended = 0x10
	start := fixedHeader + 4*int(b[0]&0x0f)
	if b[0]&extended == 0 || len(b) < start+4 {
		return b
	}
	end := start + 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	if len(b) < end {
		return b
	}
	b[0] &^= extended
	return append(b[:start], b[end:]...)
}

// fixedHeader is the size of an RTP header without lists (RFC 3550 5.1).
const fixedHeader = 12

// isRTP reports whether b begins as an RTP packet and not as an RTCP packet (RFC 5761
// 4).
func isRTP(b []byte) bool {
	return len(b) >= fixedHeader && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223)
}

// payloadTypeOf returns that of an RTP packet.
func payloadTypeOf(b []byte) uint8 { return b[1] & maxPayloadType }
