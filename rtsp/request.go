package rtsp

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"

	"github.com/kfgrab/kfgrab/keyframe"
)

// ownSSRC names this receiver in RTCP. A session has no other that it could be
// taken for.
const ownSSRC = 0x6b666772

// requestKeyframe asks the source ssrc for a keyframe in both ways there are, a
// Picture Loss Indication (RFC 4585 6.3.1) and a Full Intra Request (RFC 5104
// 4.3.1), the nth since the session began. What cannot be sent is not missed.
func (s *session) requestKeyframe(ssrc uint32, nth int) {
	err := s.client.WritePacketRTCP(s.medium(), &rtcp.CompoundPacket{
		&rtcp.ReceiverReport{SSRC: ownSSRC},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
			Source: ownSSRC, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "kfgrab"}},
		}}},
		&rtcp.PictureLossIndication{SenderSSRC: ownSSRC, MediaSSRC: ssrc},
		&rtcp.FullIntraRequest{
			SenderSSRC: ownSSRC, MediaSSRC: ssrc,
			FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: uint8(nth)}},
		},
	})
	s.opt.Logger.Debug("rtsp keyframe request", "ssrc", ssrc, "err", err)
}

// impatience is how long packets may come before a keyframe is asked for whatever
// they are, and how long the answer to a request may take before the next one.
const impatience = time.Second

// requests decides when a keyframe is asked for: once the first slice shows that
// the server does not begin with one, and again behind one that came damaged.
type requests struct {
	count   int
	before  int       // of count, for keyframes that came
	begun   time.Time // when the first packet came, or the last keyframe was taken
	last    time.Time // when the last request was sent
	decided bool      // the first slice was seen
	damaged int       // keyframes so far
}

// due takes a packet in and says whether to ask now.
func (q *requests) due(now time.Time, first opening, damaged int) bool {
	if q.begun.IsZero() {
		q.begun = now
	}
	ask := false
	if !q.decided && first != noSlice {
		q.decided, ask = true, first == otherSlice
	}
	ask = ask || q.count == q.before && now.Sub(q.begun) >= impatience
	if damaged > q.damaged && now.Sub(q.last) >= impatience {
		q.damaged, ask = damaged, true
	}
	if ask {
		q.count, q.last = q.count+1, now
	}
	return ask
}

// answered tells that a keyframe was taken, and that the next one is waited for.
func (q *requests) answered(now time.Time) { q.begun, q.before = now, q.count }

// opening is what a payload begins with, as far as slices go.
type opening uint8

const (
	noSlice        opening = iota
	keyframeBegins         // the first packet of a slice of a picture to start from
	otherSlice
)

// opening looks at the first slice of an RTP payload.
func (d *depacketizer) opening(payload []byte) opening {
	if d.codec == keyframe.H265 {
		return d.opening265(payload)
	}
	return d.opening264(payload)
}

func (d *depacketizer) opening264(b []byte) opening {
	switch {
	case len(b) < 2:
		return noSlice
	case b[0]&0x1f == stapA:
		return d.firstSlice(b[1:], 0)
	case b[0]&0x1f == fuA:
		return d.slice([]byte{b[1] & 0x1f}, b[1]&0x80 != 0)
	}
	return d.slice(b, true)
}

func (d *depacketizer) opening265(b []byte) opening {
	order := 0
	if d.donl {
		order = donlSize
	}
	switch {
	case len(b) < 3:
		return noSlice
	case b[0]>>1&0x3f == aggregation:
		return d.firstSlice(b[min(2+order, len(b)):], min(order, dondSize))
	case b[0]>>1&0x3f == fragmentation:
		return d.slice([]byte{b[2] & 0x3f << 1}, b[2]&0x80 != 0)
	}
	return d.slice(b, true)
}

// firstSlice looks through the NAL units of an aggregate, between which skip bytes
// stand.
func (d *depacketizer) firstSlice(b []byte, skip int) opening {
	for len(b) > 2 {
		size := int(binary.BigEndian.Uint16(b))
		if p := d.slice(b[2:], true); size > 0 && p != noSlice {
			return p
		}
		b = b[min(2+size+skip, len(b)):]
	}
	return noSlice
}

func (d *depacketizer) slice(nalu []byte, whole bool) opening {
	switch {
	case !d.codec.IsSlice(nalu):
		return noSlice
	case whole && d.codec.IsRandomAccess(nalu):
		return keyframeBegins
	}
	return otherSlice
}
