package file

import (
	"bytes"

	"github.com/pion/rtp"
)

// repeats recognises datagrams that came before: networks and redundant senders
// deliver some twice, at once or a little later.
type repeats struct {
	last []byte // datagram

	begun    bool
	ssrc     uint32
	sequence uint16 // the newest
	seen     uint64 // sequence numbers: bit n is the one n before the newest
}

// isRepeated reports whether a datagram repeats another. header is its RTP header, or
// nil.
func (r *repeats) isRepeated(datagram []byte, header *rtp.Header) bool {
	if bytes.Equal(datagram, r.last) {
		return true
	}
	r.last = append(r.last[:0], datagram...)
	return header != nil && r.hasSeen(header)
}

// hasSeen reports whether an older sequence number came before, and notes it. The
// newest may come again: some senders do not count.
func (r *repeats) hasSeen(h *rtp.Header) bool {
	const window = 64 // of seen
	ahead := int(int16(h.SequenceNumber - r.sequence))
	switch {
	case !r.begun || h.SSRC != r.ssrc || ahead <= -window: // another sender, or one that began anew
		r.begun, r.ssrc, r.sequence, r.seen = true, h.SSRC, h.SequenceNumber, 1
		return false
	case ahead >= 0:
		r.sequence, r.seen = h.SequenceNumber, r.seen<<ahead|1
		return false
	}

	bit := uint64(1) << -ahead
	repeated := r.seen&bit != 0
	r.seen |= bit
	return repeated
}
