package ts

import (
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// video is the elementary stream of one PID on its way to the assembler: the
// continuity of its packets, and its PES headers.
type video struct {
	*keyframe.ByteStream // of one codec, once the program map says which
	pid                  int

	counter   uint8 // continuity_counter of the last packet
	counted   bool
	last      []byte // the last packet in its buffer, to recognise a duplicate
	kept      []byte // holds last when the buffer is used again
	inPES     bool   // a PES header was read since the last loss
	clear     bool   // some payload came unscrambled
	encrypted bool   // SAMPLE-AES
	pts       time.Duration
	missing   int  // bytes of the PES packet still to come, by its length
	unsteady  bool // some PES packets were longer or shorter than they say
}

func newVideo(pid int, codecs ...keyframe.Codec) *video {
	return &video{
		pid: pid, pts: keyframe.NoPTS, kept: make([]byte, packetSize),
		ByteStream: keyframe.NewByteStream(codecs...),
	}
}

// takePacket takes a packet of v's PID, and reports whether Next may have a frame.
func (v *video) takePacket(p packet, raw []byte) bool {
	if p.damaged {
		v.losePackets()
		return false
	}
	if p.payload == nil {
		if p.discontinuity {
			v.counted = false
		}
		return false
	}
	if v.isDuplicate(p, raw) {
		return false
	}

	if v.counted && !p.discontinuity && p.counter != (v.counter+1)&0x0f {
		v.losePackets()
	}
	v.counter, v.counted, v.last = p.counter, true, raw
	if p.scrambled {
		v.losePackets()
		return false
	}

	if p.start {
		return v.beginPES(p.payload)
	}
	if !v.inPES {
		return false
	}
	v.missing -= len(p.payload)
	v.Push(p.payload)
	return true
}

// isDuplicate reports whether the packet repeats the one before, which ISO/IEC
// 13818-1 2.4.3.3 allows.
func (v *video) isDuplicate(p packet, raw []byte) bool {
	return v.counted && p.counter == v.counter && !p.discontinuity && slices.Equal(v.last, raw)
}

// keepLastPacket copies the last packet out of its buffer.
func (v *video) keepLastPacket() { v.last = v.kept[:copy(v.kept, v.last)] }

// beginPES takes the packet that starts a PES packet.
func (v *video) beginPES(payload []byte) bool {
	h, ok := parsePES(payload)
	if !ok || h.scrambled {
		v.losePackets()
		return false
	}
	if v.inPES && v.missing > 0 {
		v.unsteady = true
	}

	v.inPES, v.clear = true, true
	v.missing = h.length - len(h.payload)
	v.pts = h.pts
	v.SetPTS(h.pts)
	v.Push(h.payload)
	return true
}

func (v *video) losePackets() {
	v.inPES, v.counted = false, false
	v.Lose()
}

// flushFrame ends the stream. A PES packet shorter than it says was cut short, unless
// the stream's lengths were wrong before.
func (v *video) flushFrame() *keyframe.Frame {
	if v.inPES && v.missing > 0 && !v.unsteady {
		v.losePackets()
	}
	return v.Flush()
}
