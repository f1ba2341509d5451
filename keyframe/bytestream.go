package keyframe

import (
	"bytes"
	"time"
)

// ByteStream cuts an Annex B byte stream that comes in pieces, such as the
// payloads of transport packets, into NAL units for its Assembler. Only what may
// belong to a keyframe is copied.
type ByteStream struct {
	asm *Assembler

	pts     time.Duration // of the next access unit to begin in what Feed is given
	unitPTS time.Duration // the value of pts when the current NAL unit began
	zeros   int           // zero bytes at the end of what was fed, at most 2
	inUnit  bool          // a start code was seen
	begun   bool          // the current unit's head was given to the Assembler
	fate    fate
	unit    []byte // the current unit's head, or all of it where the fate is toStore
}

// NewByteStream returns a ByteStream that feeds a.
func NewByteStream(a *Assembler) *ByteStream {
	return &ByteStream{asm: a, pts: NoPTS, unitPTS: NoPTS, unit: make([]byte, 0, 4<<10)}
}

// SetPTS gives the presentation time of the first access unit that begins in
// what is fed next (ISO/IEC 13818-1 2.4.3.7).
func (b *ByteStream) SetPTS(pts time.Duration) { b.pts = pts }

// Feed takes p up to the byte that shows a frame to be whole. It returns that
// frame and the rest of p, to be fed again; or nil and nothing left of p.
func (b *ByteStream) Feed(p []byte) (f *Frame, rest []byte) {
	for len(p) > 0 {
		end, next := b.findStartCode(p)
		if end < 0 {
			n := 0
			f, n = b.add(p)
			b.countZeros(p[:n])
			return f, p[n:]
		}
		var n int
		if f, n = b.add(p[:end]); n < end {
			b.countZeros(p[:n])
			return f, p[n:]
		}
		p, b.zeros = p[next:], 0
		ended := b.endUnit()
		b.beginUnit()
		if f == nil {
			f = ended
		}
		if f != nil {
			return f, p
		}
	}
	return nil, nil
}

// Lose tells that bytes are missing before what is fed next.
func (b *ByteStream) Lose() {
	b.inUnit, b.zeros = false, 0
	b.asm.Lose()
}

// Flush tells that the stream, or the budget for it, is at its end. Call it
// until it returns nil. See Assembler.Flush.
func (b *ByteStream) Flush() *Frame {
	f := b.endUnit()
	b.inUnit, b.zeros = false, 0
	if f != nil {
		return f
	}
	return b.asm.Flush()
}

// findStartCode returns where the unit before the next start code ends in p and
// where the next one begins, or -1. The start code may have begun in what was
// fed before; its zeros were then taken for the unit's and are trimmed later.
func (b *ByteStream) findStartCode(p []byte) (end, next int) {
	switch {
	case b.zeros >= 2 && p[0] == 1:
		return 0, 1
	case b.zeros >= 1 && len(p) >= 2 && p[0] == 0 && p[1] == 1:
		return 0, 2
	}
	if at := bytes.Index(p, startCode); at >= 0 {
		return at, at + len(startCode)
	}
	return -1, 0
}

func (b *ByteStream) countZeros(p []byte) {
	n := 0
	for n < 2 && n < len(p) && p[len(p)-1-n] == 0 {
		n++
	}
	if n == len(p) {
		n = min(2, n+b.zeros)
	}
	b.zeros = n
}

func (b *ByteStream) beginUnit() {
	b.inUnit, b.begun, b.fate = true, false, toNothing
	b.unit = b.unit[:0]
	b.unitPTS = b.pts
}

// add takes p, which holds no start code, into the current unit. It stops early,
// behind the unit's head, where that ends a frame.
func (b *ByteStream) add(p []byte) (f *Frame, n int) {
	if !b.inUnit {
		return nil, len(p)
	}
	if !b.begun {
		n = min(len(p), sliceHeadBytes-len(b.unit))
		b.unit = append(b.unit, p[:n]...)
		if len(b.unit) < sliceHeadBytes {
			return nil, n
		}
		if f = b.head(); f != nil {
			return f, n
		}
	}
	switch b.fate {
	case toStore:
		if len(b.unit) <= maxStored {
			b.unit = append(b.unit, p[n:]...)
		}
	case toPicture:
		b.asm.cur.write(p[n:])
	}
	return nil, len(p)
}

// head gives the gathered head of the current unit to the Assembler.
func (b *ByteStream) head() *Frame {
	b.begun = true
	b.asm.nextPTS = b.unitPTS
	f, fate := b.asm.begin(b.unit)
	b.fate = fate
	if b.asm.nextPTS != b.unitPTS && b.pts == b.unitPTS {
		b.pts = NoPTS // a picture has taken it
	}
	if fate == toPicture {
		b.asm.cur.write(longStartCode)
		b.asm.cur.write(b.unit)
	}
	return f
}

// endUnit ends the current unit at a start code or at the end of the stream.
func (b *ByteStream) endUnit() (f *Frame) {
	if !b.inUnit {
		return nil
	}
	if !b.begun {
		if b.unit = trimZeros(b.unit); len(b.unit) == 0 {
			return nil
		}
		f = b.head()
	}
	switch b.fate {
	case toStore:
		if u := trimZeros(b.unit); len(u) > 0 && len(u) <= maxStored {
			b.asm.store(u)
		}
	case toPicture:
		b.asm.cur.au = trimZeros(b.asm.cur.au)
	}
	return f
}
