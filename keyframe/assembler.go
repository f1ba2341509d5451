package keyframe

import (
	"bytes"
	"fmt"
	"time"
)

// Assembler gathers whole NAL units into access units, and returns those that a
// decoder can start from. It keeps no more than one access unit and the last
// all-intra picture.
//
// It goes on after a Frame: further units lead to the next Frame. A ByteStream has
// Assemblers of its own.
type Assembler struct {
	codec   Codec
	sets264 sets264
	sets265 sets265

	cur      picture
	fallback picture // the last whole all-intra picture
	nextPTS  time.Duration
	synced   bool // the next slice can be the first of its picture
	headless bool // since a loss no slice was surely the first of its picture
	lone     bool // all-intra pictures came in a row with no better one in between

	// SEI of the access unit whose first slice is still to come:
	prefix         []byte       // as an Annex B byte stream
	recovery       int          // recovery_frame_cnt, or -1
	ownOrientation *orientation // or nil
	orientation    orientation  // of the picture before
	scratch        []byte

	all       bool     // EveryPicture was called
	encrypted bool     // ByteStream.Encrypted was called
	gap       bool     // pictures before the next one are missing
	sent      [][]byte // the parameter sets that were in Data since the last keyframe

	pictures   int  // coded pictures that ended
	unresolved int  // random access pictures without their parameter sets
	lost       int  // pictures dropped by Lose
	damaged    int  // random access pictures whose slices are not whole
	forbidden  bool // a NAL unit since the last parameter sets began with forbidden_zero_bit
}

// NewAssembler returns an Assembler for one elementary stream of codec c.
func NewAssembler(c Codec) *Assembler {
	a := &Assembler{codec: c, recovery: -1, nextPTS: NoPTS}
	a.cur.reset()
	a.fallback.reset()
	return a
}

// Codec returns the codec that NewAssembler was given.
func (a *Assembler) Codec() Codec { return a.codec }

// AddParameterSets adds parameter sets that came outside the stream (avcC, hvcC,
// SDP), NAL units without start codes. In-band ones of the same id replace them. It
// ignores NAL units of other types and damaged ones.
func (a *Assembler) AddParameterSets(nalus ...[]byte) {
	for _, n := range nalus {
		if !bytes.Contains(n, startCode) {
			a.storeParameterSet(n)
		}
	}
}

// EveryPicture makes the Assembler return each picture from here on, in decoding
// order. From a keyframe on, the concatenated Data decodes as the stream does: Data
// repeats no parameter set since the last keyframe, and for a keyframe holds all that
// it refers to.
//
// A picture that a decoder cannot start from has the kind UnknownKind. The last
// picture of a gradual refresh has the kind GradualRefresh; Pictures says how many
// pictures make it whole, of which Data holds the last. The kind Intra is returned
// as it comes. A picture that was lost, or whose parameter sets are missing, is left
// out, and the next one is AfterGap.
func (a *Assembler) EveryPicture() { a.all = true }

// Push takes one whole NAL unit without start code. It returns the frame that
// ended before this unit, or nil. pts is the presentation time of the unit's
// access unit, or NoPTS. The caller may reuse nalu.
func (a *Assembler) Push(nalu []byte, pts time.Duration) *Frame {
	if len(nalu) == 0 {
		return nil
	}
	f, fate, _ := a.beginUnit(nalu[:min(len(nalu), sliceHeadBytes)], pts)
	a.endUnit(nalu, fate)
	return f
}

// fate is what becomes of a NAL unit once its head is known.
type fate uint8

const (
	toNothing fate = iota
	toStore        // a parameter set or SEI message: endUnit wants it whole
	toPicture      // a slice of the current picture: its bytes are appended
)

// maxStored bounds parameter sets and SEI messages. A parameter set with an
// explicit slice group map for the largest picture has 52 kB; SEI with closed
// captions or encoder settings has a few.
const maxStored = 64 << 10

// beginUnit takes the head of a NAL unit, the first sliceHeadBytes or the whole of a
// shorter one. It returns the frame that ended before it, what to do with the unit,
// and whether a picture has taken pts.
func (a *Assembler) beginUnit(head []byte, pts time.Duration) (f *Frame, _ fate, timed bool) {
	if head[0]&0x80 != 0 { // forbidden_zero_bit
		a.forbidden = true
		return nil, toNothing, false
	}

	a.nextPTS = pts
	var fate fate
	if a.codec == H265 {
		f, fate = a.beginUnit265(head)
	} else {
		f, fate = a.beginUnit264(head)
	}
	if fate == toPicture {
		a.cur.appendBytes(longStartCode)
	}
	return f, fate, a.nextPTS != pts
}

// appendUnit appends bytes of a NAL unit whose fate was toPicture.
func (a *Assembler) appendUnit(b []byte) { a.cur.appendBytes(b) }

// trimUnit removes the zeros that turned out to precede a start code.
func (a *Assembler) trimUnit() { a.cur.au = trimZeros(a.cur.au) }

// endUnit takes a NAL unit that is whole.
func (a *Assembler) endUnit(nalu []byte, f fate) {
	switch f {
	case toStore:
		a.storeUnit(nalu)
	case toPicture:
		a.appendUnit(nalu)
	}
}

// storeUnit keeps a NAL unit whose fate was toStore. One with the bytes of a start code
// is damaged (ISO/IEC 14496-10 7.4.1), and would be two in a byte stream.
func (a *Assembler) storeUnit(nalu []byte) {
	if len(nalu) > maxStored || bytes.Contains(nalu, startCode) || a.storeParameterSet(nalu) {
		return
	}
	a.readSEI(nalu)
	if len(a.prefix)+len(nalu) <= maxStored {
		a.prefix = AppendNALU(a.prefix, nalu)
	}
}

// storeParameterSet reports whether nalu has the type of a parameter set.
func (a *Assembler) storeParameterSet(nalu []byte) bool {
	if len(nalu) < 2 {
		return false
	}
	if a.forbidden && a.codec.IsSPS(nalu) {
		if _, err := ParseInfo(a.codec, nalu); err == nil {
			a.forbidden = false
		}
	}
	if a.codec == H265 {
		return a.sets265.storeSet(nalu)
	}
	return a.sets264.storeSet(nalu)
}

func (a *Assembler) dropPrefix() {
	a.prefix, a.recovery, a.ownOrientation = a.prefix[:0], -1, nil
}

// EndAccessUnit ends the access unit where the container ends it: at the end of an
// MP4 sample, or a change of RTP timestamp. It returns the frame that is now whole,
// or nil; a first field still waits for its second.
func (a *Assembler) EndAccessUnit() *Frame {
	a.markAccessUnit()
	return a.endPicture()
}

// Lose notes that bytes are missing here. It drops what is being gathered, and
// what follows up to the next access unit.
func (a *Assembler) Lose() {
	if a.cur.wanted {
		a.lost++
	}
	a.cur.reset()
	a.dropPrefix()
	a.synced, a.headless, a.gap = false, true, true
}

// markAccessUnit notes that an access unit surely ends here.
func (a *Assembler) markAccessUnit() { a.synced, a.headless = true, false }

// Lost returns how many random access pictures Lose has dropped.
func (a *Assembler) Lost() int { return a.lost }

// Flush ends the stream, or the reading of it. It returns the frame that ends now,
// else the last all-intra picture, else nil. If the stream may have been cut
// short, call Lose before.
func (a *Assembler) Flush() *Frame {
	open := a.cur.begun && a.cur.kind == Intra // it becomes the last all-intra picture
	for _, end := range []func() *Frame{a.endPicture, a.finishPicture} {
		if f := end(); f != nil {
			f.OpenEnd = true
			return f
		}
	}

	f := a.takeFallback()
	if f != nil {
		f.OpenEnd = open
	}
	return f
}

// takeFallback returns the last all-intra picture, or nil.
func (a *Assembler) takeFallback() *Frame {
	if !a.fallback.wanted {
		return nil
	}
	f := a.fallback.makeFrame(a.codec)
	a.fallback.reset()
	return f
}

// progress says how much of the stream was recognised.
func (a *Assembler) progress() int { return a.pictures + a.unresolved + a.lost }

// NotFound returns an error that wraps ErrNotFound and names what the stream held
// instead of a keyframe. It wraps ErrCorrupt, too, if that was a keyframe whose slices
// are not whole.
func (a *Assembler) NotFound() error {
	switch {
	case a.unresolved > 0:
		return fmt.Errorf("%w: the parameter sets of its %v random access pictures are missing", ErrNotFound, a.codec)
	case a.damaged > 0:
		return fmt.Errorf("%w: %w is whole, %d are damaged", ErrCorrupt, ErrNotFound, a.damaged+a.lost)
	case a.lost > 0:
		return fmt.Errorf("%w: %d were damaged on the way, none came whole", ErrNotFound, a.lost)
	case a.pictures > 0:
		return fmt.Errorf("%w: %d pictures, none that a decoder can start from", ErrNotFound, a.pictures)
	}
	return fmt.Errorf("%w: no %v picture at all", ErrNotFound, a.codec)
}

// endPicture ends the access unit of the current picture. A picture of two fields
// goes on after its first.
func (a *Assembler) endPicture() *Frame {
	c := &a.cur
	if !c.begun {
		return nil
	}
	c.ended = true
	if c.last.field && !c.second {
		return nil
	}
	return a.finishPicture()
}

// finishPicture ends the current picture, with or without a second field, and
// returns it if a decoder can start from it.
func (a *Assembler) finishPicture() *Frame {
	c := &a.cur
	if !c.begun {
		return nil
	}
	a.pictures++
	if a.all {
		return a.emitPicture()
	}

	switch {
	case c.kind == UnknownKind:
		c.reset()
		return nil
	case c.kind == Intra && !a.lone:
		a.cur, a.fallback = a.fallback, a.cur
		a.cur.reset()
		return nil
	case c.kind == GradualRefresh && !c.isRefreshed():
		c.continueRun()
		return nil
	}

	a.lone = c.kind == Intra
	f := c.makeFrame(a.codec)
	c.reset()
	if a.isDamaged(f) {
		a.damaged++
		return nil
	}
	a.fallback.reset()
	return f
}

// emitPicture is finishPicture after EveryPicture.
func (a *Assembler) emitPicture() *Frame {
	c := &a.cur
	if !c.wanted {
		a.gap = true
		c.reset()
		return nil
	}

	refreshing := c.kind == GradualRefresh && !c.isRefreshed()
	startsRefresh := refreshing && c.count == 1
	startsDecoder := c.kind != UnknownKind && c.kind != GradualRefresh
	if startsRefresh || startsDecoder {
		a.sent = a.sent[:0]
	}
	if startsDecoder && a.isDamaged(c.makeFrame(a.codec)) {
		a.damaged++
		a.gap = true
		c.reset()
		return nil
	}
	c.sets = a.filterSent(c.sets)
	a.sent = append(a.sent, c.laterSets...)
	f := c.makeFrame(a.codec)
	f.AfterGap, a.gap = a.gap, false
	others := len(c.sets)+len(c.laterSets) > 0 // may refer to its sets
	f.Disposable = a.codec == H264 && !c.reference && !others

	if !refreshing {
		c.reset()
		return f
	}
	f.Kind, f.Pictures = UnknownKind, 1
	c.au, c.sets, c.laterSets, c.reference = c.au[:0], c.sets[:0], c.laterSets[:0], false
	c.continueRun()
	return f
}

// maxSent bounds the parameter sets that are remembered as sent. Streams have one of
// each type, or a dozen; one that changes them all the time has them sent again.
const maxSent = 64

// filterSent returns the sets that were not sent since the last keyframe, and notes
// that they are. A set is stored once for as long as it holds, so that the memory
// identifies it: one with the bytes of an earlier one that was replaced meanwhile
// has to be sent again.
func (a *Assembler) filterSent(sets [][]byte) [][]byte {
	if len(a.sent)+len(sets) > maxSent {
		a.sent = a.sent[:0]
	}
	fresh := sets[:0]
	for _, s := range sets {
		if !containsSet(a.sent, s) {
			fresh = append(fresh, s)
			a.sent = append(a.sent, s)
		}
	}
	return fresh
}
