package ts

import (
	"bytes"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// video is the elementary stream of one PID on its way to the assembler: the
// continuity of its packets, and its PES headers.
type video struct {
	*keyframe.ByteStream
	pid    int
	codecs []keyframe.Codec // as which it is read

	continuity continuity
	last       []byte // the last packet in its buffer, to recognise a duplicate
	kept       []byte // holds last when the buffer is used again
	inPES      bool   // a PES header was read since the last loss
	clear      bool   // some payload came unscrambled
	scrambled  bool   // some payload came scrambled
	mislabeled bool   // the current PES packet is marked as scrambled and is not
	encrypted  bool   // SAMPLE-AES
	start, pts time.Duration
	missing    int  // bytes of the PES packet still to come, by its length
	unsteady   bool // some PES packets were longer or shorter than they say
}

func newVideo(pid int, codecs ...keyframe.Codec) *video {
	return &video{
		pid: pid, codecs: codecs, start: keyframe.NoPTS, pts: keyframe.NoPTS, kept: make([]byte, packetSize),
		ByteStream: keyframe.NewByteStream(codecs...),
	}
}

func (v *video) setEncrypted(on bool) {
	v.encrypted = on
	if on {
		v.ByteStream.Encrypted()
	}
}

// takePacket takes a packet of v's PID, and reports whether nextFrame may have a frame.
func (v *video) takePacket(p packet, raw []byte) bool {
	if p.damaged {
		v.continuity.restart()
		v.losePackets()
		return false
	}
	if p.discontinuity {
		v.continuity.restart()
	}
	if p.payload == nil || v.isDuplicate(p, raw) {
		return false
	}

	if v.continuity.takeCounter(p.counter) {
		v.losePackets()
	}
	v.last = raw
	if p.start {
		return v.beginPES(p)
	}
	if p.scrambled && !v.mislabeled {
		v.scrambled = true
		v.losePackets()
		return false
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
	c := &v.continuity
	return c.known && p.counter == c.counter && !c.isUncounted() && slices.Equal(v.last, raw)
}

// keepLastPacket copies the last packet out of its buffer.
func (v *video) keepLastPacket() { v.last = v.kept[:copy(v.kept, v.last)] }

// beginPES takes the packet that starts a PES packet. Scrambled data have no PES
// header, or after a clear one no start code: marks that say otherwise are wrong.
func (v *video) beginPES(p packet) bool {
	h, ok := parsePES(p.payload)
	v.mislabeled = ok && p.scrambled
	hidden := ok && h.scrambled && !beginsWithStartCode(h.payload)
	if !ok || hidden {
		v.scrambled = v.scrambled || p.scrambled || hidden
		v.losePackets()
		return false
	}
	if v.inPES && v.missing > 0 {
		v.unsteady = true
	}

	if c := codecOfContent(h.payload); c != keyframe.UnknownCodec && len(v.codecs) > 1 {
		v.settleCodec(c)
	}
	v.inPES, v.clear = true, true
	v.missing = h.length - len(h.payload)
	v.pts = h.pts
	if v.start == keyframe.NoPTS {
		v.start = v.pts
	}
	v.SetPTS(h.pts)
	v.Push(h.payload)
	return true
}

func beginsWithStartCode(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0, 0, 1}) || bytes.HasPrefix(b, []byte{0, 0, 0, 1})
}

// nextFrame is Next, and gives up a frame of which a packet may be missing.
func (v *video) nextFrame() *keyframe.Frame {
	f := v.Next()
	if f != nil && v.continuity.isDoubtful() {
		v.losePackets()
		return nil
	}
	return f
}

func (v *video) losePackets() {
	v.inPES = false
	v.continuity.forgive()
	v.Lose()
}

// flushFrame ends the stream. A PES packet shorter than it says was cut short, unless
// the stream's lengths were wrong before.
func (v *video) flushFrame() *keyframe.Frame {
	cutShort := v.inPES && v.missing > 0 && !v.unsteady
	if cutShort || v.continuity.isDoubtful() {
		v.losePackets()
	}
	return v.Flush()
}

// settleCodec goes on with one codec.
func (v *video) settleCodec(c keyframe.Codec) {
	v.codecs = []keyframe.Codec{c}
	v.Settle(c)
}

// startSource prepares for packets whose counters do not continue those before.
func (v *video) startSource() {
	v.continuity.restart()
	v.inPES, v.start = false, keyframe.NoPTS
}
