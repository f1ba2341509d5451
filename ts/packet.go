package ts

import (
	"bytes"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Packet sizes: plain (ISO/IEC 13818-1 2.4.3.2), after a time code (Blu-ray, AVCHD),
// and before Reed-Solomon parity (DVB, ETSI EN 300 429).
const (
	packetSize       = 188
	timecodedSize    = 192
	errorCodedSize   = 204
	syncByte         = 0x47
	syncedPackets    = 5 // sync bytes in step that are taken as proof; 1 place in 10¹² has them by chance
	framingLookahead = errorCodedSize * (syncedPackets + 1)
)

// framing is where packets lie: the first sync byte, and the distance from one to
// the next.
type framing struct {
	offset, stride int
}

// findFraming looks for syncedPackets sync bytes in step, or for as many as fit if b
// is all there is.
func findFraming(b []byte, all bool) (framing, bool) {
	for offset := 0; offset < len(b) && offset < errorCodedSize+packetSize; offset++ {
		next := bytes.IndexByte(b[offset:], syncByte)
		if next < 0 {
			break
		}
		offset += next

		for _, stride := range [...]int{packetSize, timecodedSize, errorCodedSize} {
			if isInStep(b[offset:], stride, all, offset == 0) {
				return framing{offset, stride}, true
			}
		}
	}
	return framing{}, false
}

// isInStep reports whether enough sync bytes stand in step from the beginning of b.
// A single packet must be alone.
func isInStep(b []byte, stride int, all, alone bool) bool {
	found := 0
	for at := 0; at < len(b) && found < syncedPackets; at += stride {
		if b[at] != syncByte {
			return false
		}
		found++
	}

	switch found {
	case syncedPackets:
		return true
	case 1:
		return all && len(b) == stride && alone
	}
	return all && found > 1
}

// Sniff reports whether b, the beginning of some data, is that of a transport
// stream. all says that b is the whole of it. 1,300 bytes give a certain answer.
func Sniff(b []byte, all bool) bool {
	_, ok := findFraming(b, all)
	return ok
}

// packet is the header of a transport packet (ISO/IEC 13818-1 2.4.3.2) with its
// payload.
type packet struct {
	pid           int
	damaged       bool // transport_error_indicator
	start         bool // payload_unit_start_indicator
	scrambled     bool // transport_scrambling_control is not 00
	discontinuity bool // discontinuity_indicator of the adaptation field
	counter       uint8
	payload       []byte // or nil
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

// pes is the header of a PES packet (ISO/IEC 13818-1 2.4.3.6).
type pes struct {
	streamID  byte
	length    int // bytes after the header, 0 if unbounded
	scrambled bool
	pts       time.Duration // or keyframe.NoPTS
	payload   []byte        // its beginning
}

// parsePES reads the header from the payload of the packet that starts it. The
// header, 9 bytes and at most 5 for the PTS, has to be in one packet. ok is false if
// it is not, or if the start code is missing.
func parsePES(b []byte) (p pes, ok bool) {
	if len(b) < 9 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]&0xc0 != 0x80 {
		return pes{}, false
	}

	p.streamID = b[3]
	p.scrambled = b[6]&0x30 != 0
	p.pts = keyframe.NoPTS
	header := 9 + int(b[8])
	if header > len(b) {
		return pes{}, false
	}

	if length := int(b[4])<<8 | int(b[5]); length > header-6 {
		p.length = length - (header - 6)
	}
	if b[7]&0x80 != 0 && b[8] >= 5 {
		p.pts = parseTimestamp(b[9:14])
	}
	p.payload = b[header:]
	return p, true
}

// isVideo reports whether a stream_id is of a video stream (table 2-22).
func isVideo(streamID byte) bool { return streamID&0xf0 == 0xe0 }

// parseTimestamp reads the 33 bits of a PTS, of 90 kHz.
func parseTimestamp(b []byte) time.Duration {
	t := int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
	return time.Duration(t) * time.Second / 90000
}

// wrap is the period of the 33 bits, some 26.5 hours.
const wrap = (1 << 33) * time.Second / 90000

// Since returns how much later pts is than start. Both are presentation times of one
// stream, whose clock may have wrapped between them.
func Since(pts, start time.Duration) time.Duration {
	d := (pts - start) % wrap
	switch {
	case d < -wrap/2:
		d += wrap
	case d > wrap/2:
		d -= wrap
	}
	return d
}
