package keyframe

import (
	"slices"
	"time"
)

// maxAccessUnit bounds what is gathered for one Frame. An 8K intra picture at
// the highest rate of level 6.2 (800 Mbit/s, 30 a second) has 3.4 MB; a gradual
// refresh of a second at that rate stays within the bound with few pictures to
// spare.
const maxAccessUnit = 64 << 20

// picture gathers the coded picture that is coming in: a frame, a field pair, or
// the run of frames of a gradual refresh.
type picture struct {
	begun  bool // a slice of it was seen
	ended  bool // the access unit of its last field is over
	paused bool // a parameter set or SEI message came after its last slice
	second bool // its second field has begun
	run    bool // a gradual refresh that continues with the next picture

	wanted bool // its bytes are kept
	kind   Kind
	au     []byte // Annex B
	info   Info
	pts    time.Duration
	count  int

	// The parameter sets that its slices refer to: those that came before its first
	// slice, of which there were setsBefore in the stream, and those that came later,
	// which are in au.
	sets, laterSets [][]byte
	setsBefore      int

	// H.264 only:
	last       slice264
	reference  bool // a slice of it was of a reference picture
	sawFirstMb bool
	recovery   int    // recovery_frame_cnt that preceded it, or -1
	startNum   uint32 // frame_num of a gradual refresh's first picture
}

// reset makes p empty and keeps its memory.
func (p *picture) reset() {
	*p = picture{au: p.au[:0], sets: p.sets[:0], laterSets: p.laterSets[:0], recovery: -1, pts: NoPTS}
}

// continueRun makes the next picture part of the same run.
func (p *picture) continueRun() { p.begun, p.ended, p.second, p.run = false, false, false, true }

// dropBytes gives up the bytes of a picture that turned out not to be wanted. Its
// extent is still followed.
func (p *picture) dropBytes() {
	p.wanted, p.kind, p.run = false, UnknownKind, false
	p.au, p.sets, p.laterSets = p.au[:0], p.sets[:0], p.laterSets[:0]
}

// addSet adds a parameter set, once, where it came. One with the same id and other
// content may follow it: between the fields of a pair, or the pictures of a gradual
// refresh.
func (p *picture) addSet(set storedSet) {
	switch {
	case containsSet(p.sets, set.raw) || containsSet(p.laterSets, set.raw):
		return
	case set.number < p.setsBefore:
		p.sets = append(p.sets, set.raw)
		return
	case len(p.laterSets) == maxSent:
		p.laterSets = p.laterSets[:0]
	}
	p.laterSets = append(p.laterSets, set.raw)
	p.appendBytes(longStartCode)
	p.appendBytes(set.raw)
}

// storedSet is a parameter set in force.
type storedSet struct {
	raw    []byte
	number int // how many sets the stream had before it
}

// containsSet reports whether the very same set, not another one with its bytes, is
// in the list.
func containsSet(list [][]byte, set []byte) bool {
	return slices.ContainsFunc(list, func(s []byte) bool { return &s[0] == &set[0] })
}

// appendBytes appends to the access unit. It gives up a picture past maxAccessUnit.
func (p *picture) appendBytes(b []byte) {
	if !p.wanted {
		return
	}
	if len(p.au)+len(b) > maxAccessUnit {
		p.dropBytes()
		return
	}
	p.au = append(p.au, b...)
}

// makeFrame returns a copy of p as a Frame.
func (p *picture) makeFrame(c Codec) *Frame {
	size := len(p.au)
	for _, s := range p.sets {
		size += len(longStartCode) + len(s)
	}

	data := make([]byte, 0, size)
	for _, s := range p.sets {
		data = AppendNALU(data, s)
	}
	return &Frame{
		Codec: c, Kind: p.kind, Data: append(data, p.au...),
		Pictures: p.count, PTS: p.pts, Info: p.info,
	}
}
