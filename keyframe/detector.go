package keyframe

import (
	"slices"
	"time"
)

// Detector is a ByteStream whose codec is not known, or not yet: it reads the
// stream as each of several codecs at once. What is of another codec has no
// valid sequence parameter set, and so no frame. Slices of MPEG-2 video can look
// like one, but a sequence or picture start code always stands before them.
//
// Push a piece, then call Next until it returns nil.
type Detector struct {
	readings []reading
}

type reading struct {
	asm   *Assembler
	bytes *ByteStream
	rest  []byte // pushed and not fed yet
}

// NewDetector returns a Detector for the given codecs, at least one.
func NewDetector(codecs ...Codec) *Detector {
	d := &Detector{}
	for _, c := range codecs {
		asm := NewAssembler(c)
		d.readings = append(d.readings, reading{asm: asm, bytes: NewByteStream(asm)})
	}
	return d
}

// Settle goes on with codec c alone, which must be one of those given before.
func (d *Detector) Settle(c Codec) {
	d.readings = slices.DeleteFunc(d.readings, func(r reading) bool { return r.asm.Codec() != c })
}

// EveryPicture is Assembler.EveryPicture.
func (d *Detector) EveryPicture() {
	for _, r := range d.readings {
		r.asm.EveryPicture()
	}
}

// Settled says whether the stream is read as codec c and no other.
func (d *Detector) Settled(c Codec) bool {
	return len(d.readings) == 1 && d.readings[0].asm.Codec() == c
}

// SetPTS is ByteStream.SetPTS.
func (d *Detector) SetPTS(pts time.Duration) {
	for _, r := range d.readings {
		r.bytes.SetPTS(pts)
	}
}

// Push gives the next piece of the stream. It must stay as it is until Next
// returns nil.
func (d *Detector) Push(p []byte) {
	for i := range d.readings {
		d.readings[i].rest = p
	}
}

// Next returns the next frame that what was pushed shows to be whole, or nil.
func (d *Detector) Next() *Frame {
	for i := range d.readings {
		r := &d.readings[i]
		for len(r.rest) > 0 {
			var f *Frame
			if f, r.rest = r.bytes.Feed(r.rest); f != nil && !d.doubted(r) {
				return f
			}
		}
	}
	return nil
}

// Lose is ByteStream.Lose.
func (d *Detector) Lose() {
	for _, r := range d.readings {
		r.bytes.Lose()
	}
}

// Flush is ByteStream.Flush.
func (d *Detector) Flush() *Frame {
	for _, r := range d.readings {
		if f := r.bytes.Flush(); f != nil && !d.doubted(&r) {
			return f
		}
	}
	return nil
}

// doubted says whether the stream seems to be of none of the codecs.
func (d *Detector) doubted(r *reading) bool { return len(d.readings) > 1 && r.asm.forbidden }

// NotFound is Assembler.NotFound, of the codec that got furthest.
func (d *Detector) NotFound() error {
	best := d.readings[0].asm
	for _, r := range d.readings[1:] {
		if r.asm.pictures+r.asm.unresolved+r.asm.lost > best.pictures+best.unresolved+best.lost {
			best = r.asm
		}
	}
	return best.NotFound()
}
