package keyframe

import (
	"bytes"
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
	begun  bool // at least one slice of it was seen
	ended  bool // the access unit of its last field is over
	second bool // its second field has begun
	run    bool // a gradual refresh that goes on with the next picture

	every  bool // Assembler.EveryPicture
	wanted bool // its bytes are kept
	kind   Kind
	au     []byte   // Annex B, without parameter sets
	sets   [][]byte // the parameter sets that its slices refer to
	info   Info
	pts    time.Duration
	count  int

	// H.264 only.
	last       slice264
	reference  bool // a slice of it was of a reference picture
	sawFirstMb bool
	recovery   int    // recovery_frame_cnt that preceded it, or -1
	startNum   uint32 // frame_num of a gradual refresh's first picture
}

// reset makes p empty and keeps its memory.
func (p *picture) reset() {
	*p = picture{every: p.every, au: p.au[:0], sets: p.sets[:0], recovery: -1, pts: NoPTS}
}

// goOn has the next picture follow in the same run.
func (p *picture) goOn() { p.begun, p.ended, p.second, p.run = false, false, false, true }

// refuse gives up the bytes of a picture that turned out not to be wanted; its
// extent is still followed.
func (p *picture) refuse() {
	p.wanted, p.kind, p.run = false, UnknownKind, false
	p.au, p.sets = p.au[:0], p.sets[:0]
}

// refer adds a parameter set in front of the access unit, once.
func (p *picture) refer(set []byte) {
	same := func(s []byte) bool { return &s[0] == &set[0] || bytes.Equal(s, set) }
	if len(set) > 0 && !slices.ContainsFunc(p.sets, same) {
		p.sets = append(p.sets, set)
	}
}

// write appends to the access unit, and refuses the picture past maxAccessUnit.
func (p *picture) write(b []byte) {
	if !p.wanted {
		return
	}
	if len(p.au)+len(b) > maxAccessUnit {
		p.refuse()
		return
	}
	p.au = append(p.au, b...)
}

// frame copies p out.
func (p *picture) frame(c Codec) *Frame {
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
