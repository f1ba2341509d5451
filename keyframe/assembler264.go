package keyframe

import (
	"bytes"
	"slices"
)

// begin264 applies ISO/IEC 14496-10 7.4.1.2.3: which NAL unit types begin an
// access unit. The prefix NAL unit (14) is not among them here: it stands before
// every slice of a base layer (G.7.3.2.12.1), also in mid-picture.
func (a *Assembler) begin264(head []byte) (*Frame, fate) {
	switch t := head[0] & 0x1f; {
	case t == nal264Slice || t == nal264IDR:
		return a.slice264(head)
	case t >= nal264PartitionA && t <= nal264PartitionC:
		// Data partitions (Extended profile) hold no picture to start from.
		a.every.gap = true
		return a.finish(), toNothing
	case t == nal264SEI || t == nal264SPS || t == nal264PPS:
		a.synced = true
		return a.endPicture(), toStore
	case t == nal264AUD || t >= nal264SubsetSPS && t <= nal264Reserved18:
		a.synced = true
		return a.endPicture(), toNothing
	case t == nal264EndOfSequence || t == nal264EndOfStream:
		return a.endPicture(), toNothing
	}
	return nil, toNothing
}

func (a *Assembler) slice264(head []byte) (f *Frame, _ fate) {
	s, ok := parseSlice264(head, &a.sets264)
	switch {
	case !ok:
		a.Lose()
		return nil, toNothing
	case s.unresolved:
		f = a.finish()
		a.cur.reset()
		a.dropPrefix()
		a.every.gap = true
		if s.idr {
			a.unresolved++
		} else {
			a.pictures++
		}
		return f, toNothing
	case s.redundant:
		return nil, toNothing
	case !a.synced && s.firstMb != 0:
		return nil, toNothing // the tail of a picture whose head was lost
	}
	a.synced = true
	c := &a.cur
	switch {
	case c.continues(&s):
	case c.begun && !c.second && s.completes(&c.last):
		c.second, c.ended, c.sawFirstMb = true, false, false
		c.write(a.prefix)
		a.dropPrefix()
	default:
		f = a.finish()
		a.start264(&s)
	}
	return f, c.add264(&s)
}

// continues says whether s is one more slice of p. A second macroblock 0 is the
// sign of another picture from encoders that repeat idr_pic_id: no legal picture
// has two.
func (p *picture) continues(s *slice264) bool {
	repeated := s.firstMb == 0 && p.sawFirstMb && !s.sps.separateColourPlanes
	return p.begun && !p.ended && !repeated && !s.startsPicture(&p.last)
}

// start264 makes s the first slice of the current picture.
func (a *Assembler) start264(s *slice264) {
	kind := UnknownKind
	switch {
	case s.idr:
		kind = IDR
	case s.intra && a.recovery >= 0:
		kind = RecoveryPoint
	case a.recovery > 0 && !s.field:
		kind = GradualRefresh
	case s.intra:
		kind = Intra
	}
	c := &a.cur
	if c.run && s.sps == c.last.sps && kind != IDR && kind != RecoveryPoint {
		c.run = false
	} else {
		c.reset()
		c.kind, c.wanted = kind, kind != UnknownKind || c.every
		c.recovery, c.startNum = a.recovery, s.frameNum
		c.info = s.sps.info
		a.orient(&c.info, kind == IDR)
	}
	c.pts, a.nextPTS = a.nextPTS, NoPTS
	c.begun, c.sawFirstMb = true, false
	c.count++
	c.write(a.prefix)
	a.dropPrefix()
}

// add264 takes s into the current picture and decides whether its bytes count.
func (p *picture) add264(s *slice264) fate {
	p.last = *s
	p.reference = p.reference || s.reference
	p.sawFirstMb = p.sawFirstMb || s.firstMb == 0
	if !s.intra && !p.second && (p.kind == Intra || p.kind == RecoveryPoint) {
		// Not all intra after all: a gradual refresh, or nothing to start from.
		switch {
		case p.kind == RecoveryPoint && p.recovery > 0:
			p.kind = GradualRefresh
		case p.every:
			p.kind = UnknownKind
		default:
			p.refuse()
		}
	}
	if !p.wanted {
		return toNothing
	}
	p.refer(s.sps.raw)
	p.refer(s.pps.raw)
	return toPicture
}

// refreshed says whether the reference picture that the recovery point SEI
// promised (D.2.8) is the one that has just ended.
func (p *picture) refreshed() bool {
	behind := (p.last.frameNum - p.startNum) & (1<<p.last.sps.log2MaxFrameNum - 1)
	return p.last.reference && int(behind) >= p.recovery
}

// store takes a parameter set in and says whether nalu is of such a type. A
// damaged one leaves the one before in force, one that repeats it does nothing.
func (s *sets264) store(nalu []byte) bool {
	switch nalu[0] & 0x1f {
	case nal264SPS:
		for _, old := range s.sps {
			if old != nil && bytes.Equal(old.raw, nalu) {
				return true
			}
		}
		if sps, err := parseSPS264(slices.Clone(nalu)); err == nil {
			s.sps[sps.id] = sps
		}
	case nal264PPS:
		for _, old := range s.pps {
			if old != nil && bytes.Equal(old.raw, nalu) {
				return true
			}
		}
		if pps, err := parsePPS264(nalu); err == nil {
			pps.raw = slices.Clone(nalu)
			s.pps[pps.id] = pps
		}
	default:
		return false
	}
	return true
}
