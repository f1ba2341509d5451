package rtsp

import (
	"encoding/binary"

	"github.com/kfgrab/kfgrab/keyframe"
)

// firstSlice classifies the first slice of a payload.
type firstSlice uint8

const (
	noSlice        firstSlice = iota
	keyframeBegins            // the first packet of a slice of a random access picture
	otherSlice
)

// classifyPayload looks at the first slice of an RTP payload.
func (d *depacketizer) classifyPayload(payload []byte) firstSlice {
	if d.transport != nil {
		return noSlice
	}
	if d.codec == keyframe.H265 {
		return d.classifyPayload265(payload)
	}
	return d.classifyPayload264(payload)
}

// classifyAggregate looks through the NAL units of an aggregate. skip bytes stand
// between them.
func (d *depacketizer) classifyAggregate(b []byte, skip int) firstSlice {
	for len(b) > 2 {
		size := int(binary.BigEndian.Uint16(b))
		if p := d.classifySlice(b[2:], true); size > 0 && p != noSlice {
			return p
		}
		b = b[min(2+size+skip, len(b)):]
	}
	return noSlice
}

// classifySlice looks at one NAL unit, whose first byte is enough. begins says
// whether its first bytes are in this packet.
func (d *depacketizer) classifySlice(nalu []byte, begins bool) firstSlice {
	switch {
	case !d.codec.IsSlice(nalu):
		return noSlice
	case begins && d.codec.IsRandomAccess(nalu):
		return keyframeBegins
	}
	return otherSlice
}
