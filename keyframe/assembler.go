package keyframe

import (
	"fmt"
	"time"
)

// Assembler gathers NAL units into access units, and returns those that a
// decoder can start from. NAL units come whole, through Push, or in a byte
// stream, through a ByteStream. It keeps no more than one access unit and the
// last all-intra picture.
//
// After a Frame it goes on: what is pushed next leads to the next Frame.
type Assembler struct {
	codec   Codec
	sets264 sets264
	sets265 sets265

	cur         picture
	fallback    picture      // the last whole all-intra picture
	prefix      []byte       // Annex B: SEI of the access unit whose first slice is still to come
	recovery    int          // recovery_frame_cnt of an SEI in prefix, or -1
	told        *orientation // of an SEI in prefix, or nil
	orientation orientation  // of the picture before
	scratch     []byte
	nextPTS     time.Duration
	synced      bool // the next slice can be the first of its picture

	pictures   int // coded pictures that ended
	unresolved int // random access pictures without their parameter sets
	lost       int // pictures thrown away by Lose
	every      every
	forbidden  bool // a start code was followed by what begins no NAL unit
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

// AddParameterSets takes parameter sets that came beside the stream (avcC, hvcC,
// SDP), NAL units without start codes. In-band ones of the same id replace them.
// NAL units of other types, and damaged ones, are passed over.
func (a *Assembler) AddParameterSets(nalus ...[]byte) {
	for _, n := range nalus {
		a.storeParameterSet(n)
	}
}

// Push takes one whole NAL unit without start code. It returns the frame that
// ended before this unit, or nil. pts is the presentation time of the unit's
// access unit, or NoPTS. The caller may reuse nalu.
func (a *Assembler) Push(nalu []byte, pts time.Duration) *Frame {
	if len(nalu) == 0 {
		return nil
	}
	a.nextPTS = pts
	f, fate := a.begin(nalu[:min(len(nalu), sliceHeadBytes)])
	switch fate {
	case toStore:
		if len(nalu) <= maxStored {
			a.store(nalu)
		}
	case toPicture:
		a.cur.write(longStartCode)
		a.cur.write(nalu)
	}
	return f
}

// EndAccessUnit tells that the container ends an access unit here: the end of an
// MP4 sample, a change of RTP timestamp. It returns the frame that is now whole,
// or nil; a first field still waits for its second.
func (a *Assembler) EndAccessUnit() *Frame {
	a.synced = true
	return a.endPicture()
}

// Lose tells that bytes are missing here. What is being gathered is thrown away,
// as is what follows up to the next access unit.
func (a *Assembler) Lose() {
	if a.cur.wanted {
		a.lost++
	}
	a.cur.reset()
	a.dropPrefix()
	a.synced, a.every.gap = false, true
}

// Lost returns how many pictures to start from Lose has thrown away.
func (a *Assembler) Lost() int { return a.lost }

// Flush tells that the stream, or the budget for it, is at its end. It returns
// the frame that is whole now, else the last all-intra picture, else nil. Where
// the stream may have been cut short, call Lose before.
func (a *Assembler) Flush() *Frame {
	for _, end := range []func() *Frame{a.endPicture, a.finish} {
		if f := end(); f != nil {
			f.OpenEnd = true
			return f
		}
	}
	if !a.fallback.wanted {
		return nil
	}
	f := a.fallback.frame(a.codec)
	a.fallback.reset()
	return f
}

// NotFound returns an error that wraps ErrNotFound and says what the stream held
// instead of a keyframe.
func (a *Assembler) NotFound() error {
	switch {
	case a.unresolved > 0:
		return fmt.Errorf("%w: the parameter sets of its %v random access pictures are missing", ErrNotFound, a.codec)
	case a.lost > 0:
		return fmt.Errorf("%w: %d were damaged on the way, none came whole", ErrNotFound, a.lost)
	case a.pictures > 0:
		return fmt.Errorf("%w: %d pictures, none that a decoder can start from", ErrNotFound, a.pictures)
	}
	return fmt.Errorf("%w: no %v picture at all", ErrNotFound, a.codec)
}

// fate is what becomes of a NAL unit once its head is known.
type fate uint8

const (
	toNothing fate = iota
	toStore        // a parameter set or SEI message, wanted whole
	toPicture      // a slice of the picture being gathered
)

// maxStored bounds parameter sets and SEI messages. A parameter set with an
// explicit slice group map for the largest picture has 52 kB; SEI with closed
// captions or encoder settings has a few.
const maxStored = 64 << 10

// begin looks at the head of a NAL unit, the first sliceHeadBytes or the whole
// of a shorter one.
func (a *Assembler) begin(head []byte) (*Frame, fate) {
	if head[0]&0x80 != 0 { // forbidden_zero_bit
		a.forbidden = true
		return nil, toNothing
	}
	if a.codec == H265 {
		return a.begin265(head)
	}
	return a.begin264(head)
}

// store keeps a NAL unit whose fate was toStore.
func (a *Assembler) store(nalu []byte) {
	if a.storeParameterSet(nalu) {
		return
	}
	a.readSEI(nalu)
	if len(a.prefix)+len(nalu) <= maxStored {
		a.prefix = AppendNALU(a.prefix, nalu)
	}
}

// storeParameterSet says whether nalu is of a parameter set's type.
func (a *Assembler) storeParameterSet(nalu []byte) bool {
	if len(nalu) < 2 {
		return false
	}
	if a.codec == H265 {
		return a.sets265.store(nalu)
	}
	return a.sets264.store(nalu)
}

func (a *Assembler) dropPrefix() {
	a.prefix, a.recovery, a.told = a.prefix[:0], -1, nil
}

// endPicture closes the access unit of the current picture, which a first field
// outlives.
func (a *Assembler) endPicture() *Frame {
	c := &a.cur
	if !c.begun {
		return nil
	}
	c.ended = true
	if c.last.field && !c.second {
		return nil
	}
	return a.finish()
}

// finish ends the current picture, with or without a second field, and returns
// it if it is one to start from.
func (a *Assembler) finish() *Frame {
	c := &a.cur
	if !c.begun {
		return nil
	}
	a.pictures++
	if c.every {
		return a.handOut()
	}
	switch c.kind {
	case UnknownKind:
	case Intra:
		a.cur, a.fallback = a.fallback, a.cur
	case GradualRefresh:
		if !c.refreshed() {
			c.goOn()
			return nil
		}
		fallthrough
	default:
		f := c.frame(a.codec)
		c.reset()
		a.fallback.reset()
		return f
	}
	a.cur.reset()
	return nil
}
