package keyframe

import "slices"

// every is what an Assembler needs to know to return pictures that depend on each
// other.
type every struct {
	gap  bool     // pictures are missing in front of the next one
	sent [][]byte // the parameter sets that were in Data since the last keyframe
}

// maxSent bounds the parameter sets that are remembered. Streams have one of each
// type, or a dozen; one that changes them all the time has them sent again.
const maxSent = 64

// EveryPicture has the Assembler return each picture from here on, in decoding
// order. What a decoder is given from a keyframe on, put together, decodes as the
// stream does: Data has the parameter sets that Data has not had since the last
// keyframe, with a keyframe all that it refers to.
//
// The kind of a picture that is not to start from is UnknownKind. The one that a
// gradual refresh ends with has the kind GradualRefresh, and Pictures says how many
// make it whole, the last of which is in Data. The kind Intra is given as it comes.
// A picture whose parameter sets are missing, or that was lost, is left out, and the
// next one is AfterGap.
func (a *Assembler) EveryPicture() { a.cur.every = true }

// handOut is finish after EveryPicture.
func (a *Assembler) handOut() *Frame {
	c := &a.cur
	if !c.wanted {
		a.every.gap = true
		c.reset()
		return nil
	}
	refreshing := c.kind == GradualRefresh && !c.refreshed()
	if !refreshing && c.kind != UnknownKind && c.kind != GradualRefresh || refreshing && c.count == 1 {
		a.every.sent = a.every.sent[:0]
	}
	c.sets = a.every.unsent(c.sets)
	f := c.frame(a.codec)
	f.AfterGap, a.every.gap = a.every.gap, false
	f.Disposable = a.codec == H264 && !c.reference && len(c.sets) == 0 // else others may refer to those
	if !refreshing {
		c.reset()
		return f
	}
	f.Kind, f.Pictures = UnknownKind, 1
	c.au, c.sets, c.reference = c.au[:0], c.sets[:0], false
	c.goOn()
	return f
}

// unsent takes those sets out that were sent. One that came again has its old
// memory, one that has changed has not.
func (e *every) unsent(sets [][]byte) [][]byte {
	if len(e.sent)+len(sets) > maxSent {
		e.sent = e.sent[:0]
	}
	news := sets[:0]
	for _, s := range sets {
		if !slices.ContainsFunc(e.sent, func(old []byte) bool { return &old[0] == &s[0] }) {
			news = append(news, s)
			e.sent = append(e.sent, s)
		}
	}
	return news
}
