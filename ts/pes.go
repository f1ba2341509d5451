package ts

import (
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// pes is the header of a PES packet (ISO/IEC 13818-1 2.4.3.6).
type pes struct {
	streamID  byte
	length    int // bytes after the header, 0 where unbounded
	scrambled bool
	pts       time.Duration // or keyframe.NoPTS
	payload   []byte        // its beginning
}

// parsePES reads the header from the payload of the packet that starts it. The
// header, 9 bytes and at most 5 for a PTS that is of interest, stands in one
// packet; ok is false where that is not so or the start code is missing.
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
		p.pts = timestamp(b[9:14])
	}
	p.payload = b[header:]
	return p, true
}

// isVideo says whether a stream_id is of a video stream (table 2-22).
func isVideo(streamID byte) bool { return streamID&0xf0 == 0xe0 }

// timestamp reads the 33 bits of a PTS, of 90 kHz.
func timestamp(b []byte) time.Duration {
	t := int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
	return time.Duration(t) * time.Second / 90000
}

// wrap is the period of the 33 bits, some 26.5 hours.
const wrap = (1 << 33) * time.Second / 90000

// Since returns how much later than start the presentation time pts is, where
// both are of one stream whose clock may have wrapped between them.
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
