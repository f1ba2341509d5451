package ts

import (
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// video is the elementary stream of one PID on its way to the assembler: the
// continuity of its packets, and its PES headers.
type video struct {
	*keyframe.Detector // of one codec, once the program map told it
	pid                int

	counter   uint8 // continuity_counter of the last packet
	counted   bool
	last      []byte // the last packet, to know a duplicate by, in the buffer it came in
	kept      []byte // holds last where the buffer is used again
	inPES     bool   // a PES header was read since the last loss
	clear     bool   // some payload came unscrambled
	encrypted bool   // SAMPLE-AES
	pts       time.Duration
	missing   int  // bytes that the PES packet's length still promises
	unsteady  bool // PES packets were seen to be longer or shorter than they say
}

func newVideo(pid int, codecs ...keyframe.Codec) *video {
	return &video{
		pid: pid, pts: keyframe.NoPTS, kept: make([]byte, packetSize),
		Detector: keyframe.NewDetector(codecs...),
	}
}

// take looks at a packet of v's PID and says whether it leaves something to feed.
func (v *video) take(p packet, raw []byte) bool {
	if p.damaged {
		v.lose()
		return false
	}
	if p.payload == nil {
		if p.discontinuity {
			v.counted = false
		}
		return false
	}
	if v.duplicate(p, raw) {
		return false
	}
	if v.counted && !p.discontinuity && p.counter != (v.counter+1)&0x0f {
		v.lose()
	}
	v.counter, v.counted, v.last = p.counter, true, raw
	if p.scrambled {
		v.lose()
		return false
	}
	if p.start {
		return v.begin(p.payload)
	}
	if !v.inPES {
		return false
	}
	v.missing -= len(p.payload)
	v.Push(p.payload)
	return true
}

// duplicate says whether the packet repeats the one before, as ISO/IEC 13818-1
// 2.4.3.3 lets it.
func (v *video) duplicate(p packet, raw []byte) bool {
	return v.counted && p.counter == v.counter && !p.discontinuity && slices.Equal(v.last, raw)
}

// keep copies the last packet out of its buffer.
func (v *video) keep() { v.last = v.kept[:copy(v.kept, v.last)] }

// begin takes the packet that starts a PES packet.
func (v *video) begin(payload []byte) bool {
	h, ok := parsePES(payload)
	if !ok || h.scrambled {
		v.lose()
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

func (v *video) lose() {
	v.inPES, v.counted = false, false
	v.Lose()
}

// flush ends the stream. A PES packet that lacks some of the bytes it promised
// was cut short, unless its lengths are not to be trusted.
func (v *video) flush() *keyframe.Frame {
	if v.inPES && v.missing > 0 && !v.unsteady {
		v.lose()
	}
	return v.Flush()
}
