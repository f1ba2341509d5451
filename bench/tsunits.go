package bench

import "encoding/binary"

// unit is where an access unit's bytes are in a file.
type unit struct {
	start, end int64 // from its first packet to behind its last one
	key        bool  // the muxer marked it as a point of random access
}

// tsPacket is the packet length of ISO/IEC 13818-1 2.4.3.2.
const tsPacket = 188

// tsUnits lists the access units of the one video stream of a transport stream
// that ffmpeg made: whole packets from the first byte, one PES an access unit.
// It is not the code under test, and reads no other transport stream.
func tsUnits(b []byte) []unit {
	var units []unit
	video := -1
	for at := 0; at+tsPacket <= len(b); at += tsPacket {
		p := b[at : at+tsPacket]
		pid := int(binary.BigEndian.Uint16(p[1:]) & 0x1FFF)
		starts, payload := p[1]&0x40 != 0, tsPayload(p)
		if starts && len(payload) > 3 && payload[2] == 1 && payload[3]&0xF0 == 0xE0 {
			video = pid
			units = append(units, unit{start: int64(at), key: randomAccess(p)})
		}
		if pid == video {
			units[len(units)-1].end = int64(at + tsPacket)
		}
	}
	return units
}

// tsPayload returns what follows the adaptation field.
func tsPayload(p []byte) []byte {
	switch p[3] >> 4 & 3 {
	case 1:
		return p[4:]
	case 3:
		return p[min(5+int(p[4]), len(p)):]
	}
	return nil
}

// randomAccess tells whether the packet's adaptation field has the
// random_access_indicator of ISO/IEC 13818-1 2.4.3.5.
func randomAccess(p []byte) bool {
	return p[3]&0x20 != 0 && p[4] > 0 && p[5]&0x40 != 0
}

// keys returns the units that are keyframes.
func keys(units []unit) []unit {
	var out []unit
	for _, u := range units {
		if u.key {
			out = append(out, u)
		}
	}
	return out
}
