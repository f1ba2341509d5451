package keyframe

import (
	"bytes"
	"slices"
	"time"
)

// ByteStream reads an Annex B byte stream that comes in pieces cut anywhere, such
// as the payloads of transport packets. It copies only what may belong to a
// keyframe.
//
// If the codec is not known yet, give it all candidates: it reads the stream as
// each of them at once. A stream of another codec has no valid sequence parameter
// set, and so no frame. Slices of MPEG-2 video can look like one, but a sequence or
// picture start code always precedes them.
//
// Push a piece, then call Next until it returns nil.
type ByteStream struct {
	readings []reading
}

// reading is a byte stream read as one codec.
type reading struct {
	splitter
	rest []byte // pushed and not fed yet
}

// NewByteStream returns a ByteStream of one of the given codecs, at least one.
func NewByteStream(codecs ...Codec) *ByteStream {
	b := &ByteStream{}
	for _, c := range codecs {
		b.readings = append(b.readings, reading{splitter: newSplitter(c)})
	}
	return b
}

// Settle goes on with codec c alone, which must be one of those of NewByteStream.
func (b *ByteStream) Settle(c Codec) {
	b.readings = slices.DeleteFunc(b.readings, func(r reading) bool { return r.asm.Codec() != c })
}

// Settled reports whether the stream is read as codec c and no other.
func (b *ByteStream) Settled(c Codec) bool {
	return len(b.readings) == 1 && b.readings[0].asm.Codec() == c
}

// EveryPicture makes Next return every picture. See Assembler.EveryPicture.
func (b *ByteStream) EveryPicture() {
	for _, r := range b.readings {
		r.asm.EveryPicture()
	}
}

// Encrypted makes Next return frames whose slices are encrypted in part, as by
// SAMPLE-AES: whether they are damaged cannot be seen.
func (b *ByteStream) Encrypted() {
	for _, r := range b.readings {
		r.asm.encrypted = true
	}
}

// SetPTS sets the presentation time of the first access unit that begins in
// what is pushed next (ISO/IEC 13818-1 2.4.3.7).
func (b *ByteStream) SetPTS(pts time.Duration) {
	for i := range b.readings {
		b.readings[i].pts = pts
	}
}

// Push takes the next piece of the stream. The caller must not change it until Next
// returns nil.
func (b *ByteStream) Push(p []byte) {
	for i := range b.readings {
		b.readings[i].rest = p
	}
}

// Next returns the next frame that what was pushed shows to be whole, or nil.
func (b *ByteStream) Next() *Frame {
	for i := range b.readings {
		r := &b.readings[i]
		for len(r.rest) > 0 {
			var f *Frame
			if f, r.rest = r.feed(r.rest); f != nil && !b.isDoubtful(r) {
				return f
			}
		}
	}
	return nil
}

// Lose notes that bytes are missing before what is pushed next.
func (b *ByteStream) Lose() {
	for i := range b.readings {
		b.readings[i].lose()
	}
}

// Flush ends the stream, or the reading of it. Call it until it returns nil. See
// Assembler.Flush.
func (b *ByteStream) Flush() *Frame {
	for i := range b.readings {
		r := &b.readings[i]
		if f := r.flush(); f != nil && !b.isDoubtful(r) {
			return f
		}
	}
	return nil
}

// isDoubtful reports whether the stream seems to be of none of the codecs.
func (b *ByteStream) isDoubtful(r *reading) bool { return len(b.readings) > 1 && r.asm.forbidden }

// NotFound is Assembler.NotFound for the codec that got furthest.
func (b *ByteStream) NotFound() error {
	best := b.readings[0].asm
	for _, r := range b.readings[1:] {
		if r.asm.progress() > best.progress() {
			best = r.asm
		}
	}
	return best.NotFound()
}

// splitter cuts a byte stream into NAL units for its Assembler.
type splitter struct {
	asm *Assembler

	pts     time.Duration // of the next access unit to begin in what feed is given
	unitPTS time.Duration // the value of pts when the current NAL unit began
	zeros   int           // zero bytes at the end of what was fed, at most 2
	inUnit  bool          // a start code was seen
	begun   bool          // the Assembler has the current unit's head
	fate    fate
	unit    []byte // the current unit's head, or all of it if the fate is toStore
}

func newSplitter(c Codec) splitter {
	return splitter{asm: NewAssembler(c), pts: NoPTS, unitPTS: NoPTS, unit: make([]byte, 0, 4<<10)}
}

// feed takes p up to the byte that shows a frame to be whole. It returns that
// frame and the rest of p, to be fed again; or nil and nothing left of p.
func (s *splitter) feed(p []byte) (f *Frame, rest []byte) {
	for len(p) > 0 {
		end, next := s.findStartCode(p)
		if end < 0 {
			n := 0
			f, n = s.addBytes(p)
			s.countZeros(p[:n])
			return f, p[n:]
		}

		var n int
		if f, n = s.addBytes(p[:end]); n < end {
			s.countZeros(p[:n])
			return f, p[n:]
		}

		p, s.zeros = p[next:], 0
		ended := s.endUnit()
		s.beginUnit()

		if f == nil {
			f = ended
		}
		if f != nil {
			return f, p
		}
	}
	return nil, nil
}

func (s *splitter) lose() {
	s.inUnit, s.zeros = false, 0
	s.asm.Lose()
}

func (s *splitter) flush() *Frame {
	f := s.endUnit()
	s.inUnit, s.zeros = false, 0
	if f != nil {
		return f
	}
	return s.asm.Flush()
}

// findStartCode returns where the unit before the next start code ends in p and
// where the next one begins, or -1. The start code may have begun in what was
// fed before; its zeros were then taken for the unit's and are trimmed later.
func (s *splitter) findStartCode(p []byte) (end, next int) {
	switch {
	case s.zeros >= 2 && p[0] == 1:
		return 0, 1
	case s.zeros >= 1 && len(p) >= 2 && p[0] == 0 && p[1] == 1:
		return 0, 2
	}
	if at := bytes.Index(p, startCode); at >= 0 {
		return at, at + len(startCode)
	}
	return -1, 0
}

func (s *splitter) countZeros(p []byte) {
	n := 0
	for n < 2 && n < len(p) && p[len(p)-1-n] == 0 {
		n++
	}
	if n == len(p) {
		n = min(2, n+s.zeros)
	}
	s.zeros = n
}

func (s *splitter) beginUnit() {
	s.inUnit, s.begun, s.fate = true, false, toNothing
	s.unit = s.unit[:0]
	s.unitPTS = s.pts
}

// addBytes adds p, which holds no start code, to the current unit. It stops early,
// after the unit's head, if that ends a frame.
func (s *splitter) addBytes(p []byte) (f *Frame, n int) {
	if !s.inUnit {
		return nil, len(p)
	}
	if !s.begun {
		n = min(len(p), sliceHeadBytes-len(s.unit))
		s.unit = append(s.unit, p[:n]...)
		if len(s.unit) < sliceHeadBytes {
			return nil, n
		}
		if f = s.passHead(); f != nil {
			return f, n
		}
	}

	switch s.fate {
	case toStore:
		if len(s.unit) <= maxStored {
			s.unit = append(s.unit, p[n:]...)
		}
	case toPicture:
		s.asm.appendUnit(p[n:])
	}
	return nil, len(p)
}

// passHead gives the gathered head of the current unit to the Assembler.
func (s *splitter) passHead() *Frame {
	s.begun = true
	f, fate, timed := s.asm.beginUnit(s.unit, s.unitPTS)
	s.fate = fate
	if timed && s.pts == s.unitPTS {
		s.pts = NoPTS
	}
	if fate == toPicture {
		s.asm.appendUnit(s.unit)
	}
	return f
}

// endUnit ends the current unit at a start code or at the end of the stream.
func (s *splitter) endUnit() (f *Frame) {
	if !s.inUnit {
		return nil
	}
	if !s.begun {
		if s.unit = trimZeros(s.unit); len(s.unit) == 0 {
			return nil
		}
		f = s.passHead()
	}

	switch s.fate {
	case toStore:
		if u := trimZeros(s.unit); len(u) > 0 {
			s.asm.storeUnit(u)
		}
	case toPicture:
		s.asm.trimUnit()
	}
	return f
}
