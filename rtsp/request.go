package rtsp

import (
	"time"

	"github.com/pion/rtcp"
)

// ownSSRC identifies this receiver in RTCP: a session has no other.
const ownSSRC = 0x6b666772

// requestKeyframe asks the source ssrc for a keyframe, the nth since the session
// began, in both known ways: a Picture Loss Indication (RFC 4585 6.3.1) and a Full
// Intra Request (RFC 5104 4.3.1). A request that cannot be sent is no error.
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
	if err != nil {
		s.opt.Logger.Debug("rtsp keyframe request failed", "ssrc", ssrc, "why", err)
		return
	}
	s.opt.Logger.Debug("rtsp keyframe request", "ssrc", ssrc)
}

// requestInterval is how long packets may come without a keyframe before one is
// requested, and how long the answer may take before the next request.
const requestInterval = time.Second

// requests decides when to request a keyframe: once the first slice shows that the
// server does not begin with one, and again after one that came damaged.
type requests struct {
	count   int
	before  int       // count when the last keyframe was taken
	begun   time.Time // when the first packet came, or the last keyframe was taken
	last    time.Time // when the last request was sent
	decided bool      // the first slice was seen
	damaged int       // keyframes so far
}

// isDue reports whether to request a keyframe now that a packet came. damaged
// counts the keyframes that were dropped so far.
func (q *requests) isDue(now time.Time, first firstSlice, damaged int) bool {
	if q.begun.IsZero() {
		q.begun = now
	}

	ask := q.count == q.before && now.Sub(q.begun) >= requestInterval
	if !q.decided && first != noSlice {
		q.decided = true
		ask = ask || first == otherSlice
	}
	if damaged > q.damaged && now.Sub(q.last) >= requestInterval {
		q.damaged, ask = damaged, true
	}

	if ask {
		q.count++
		q.last = now
	}
	return ask
}

// noteAnswer notes that a keyframe was taken. The wait for the next one begins.
func (q *requests) noteAnswer(now time.Time) { q.begun, q.before = now, q.count }
