package ts

import (
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Program maps are wrong about video in many ways: they list streams that are never
// sent or have no keyframes, or give them other types than those of their content, or
// are missing. So every stream that may be the video is a candidate, and the first
// one in the order of preference that delivers a keyframe is the video.

// candidate is a stream that may be the video.
type candidate struct {
	*video
	preference
	program int             // 0 if no program map names it
	label   keyframe.Codec  // that of the program map
	since   int64           // bytes of the stream when it became a candidate
	held    *keyframe.Frame // to be returned if no better candidate delivers one
}

// preference is why a stream may be the video, the best reason first.
type preference uint8

const (
	labelled  preference = iota // a program map says that it is H.264 or H.265
	disguised                   // it begins as one of them, and a program map says something else
	unlisted                    // no program map names it
)

const (
	// maxCandidates bounds the memory. Programs have one video stream, some two.
	maxCandidates = 8
	// silentPatience is how much of the stream may pass without anything clear of a
	// better candidate: half a second of 8 Mbit/s.
	silentPatience = 512 << 10
	// keyframePatience is how much may pass without a keyframe of a better candidate
	// that sends pictures: a GOP of 8 s at 4 Mbit/s.
	keyframePatience = 4 << 20
)

// isAwaited reports whether a better candidate's keyframe is worth waiting for at a
// place in the stream, in bytes. Other streams than labelled ones are taken as they
// come.
func (c *candidate) isAwaited(at int64) bool {
	patience := int64(silentPatience)
	if c.clear {
		patience = keyframePatience
	}
	return c.preference == labelled && at-c.since < patience
}

// isOutdatedBy reports whether the map of c's program says something else than before.
func (c *candidate) isOutdatedBy(p program) bool {
	s, listed := p.findStream(c.pid)
	return c.program == p.number && (!listed || s.codec != c.label || s.encrypted != c.encrypted)
}

// isExplainedBy reports whether a program map says that c, which looked like video
// without one, is something that cannot be read.
func (c *candidate) isExplainedBy(p program) bool {
	s, listed := p.findStream(c.pid)
	return c.preference == unlisted && listed && (s.codec == keyframe.UnknownCodec || s.encrypted)
}

// adoptListing notes what a program map says about c if none did before.
func (c *candidate) adoptListing(p program) {
	if s, listed := p.findStream(c.pid); listed && c.preference == unlisted {
		c.preference, c.program, c.label = labelled, p.number, s.codec
	}
}

// candidates are in order of preference.
type candidates []*candidate

// find returns the candidate of a PID, or nil.
func (l candidates) find(pid int) *candidate {
	for _, c := range l {
		if c.pid == pid {
			return c
		}
	}
	return nil
}

// add adds a candidate after those that are at least as good. The worst one gives way
// if there are too many.
func (l *candidates) add(c *candidate) {
	*l = append(*l, c)
	l.sort()
	*l = (*l)[:min(len(*l), maxCandidates)]
}

func (l candidates) sort() {
	slices.SortStableFunc(l, func(a, b *candidate) int { return int(a.preference) - int(b.preference) })
}

// favourite returns the candidate that is most likely to be the video at a place in
// the stream, or nil.
func (l candidates) favourite(at int64) *candidate {
	for _, c := range l {
		if c.isAwaited(at) || c.clear {
			return c
		}
	}
	if len(l) == 0 {
		return nil
	}
	return l[0]
}

// choose returns the best candidate that holds a frame, or nil as long as a better one
// is awaited.
func (l candidates) choose(at int64) *candidate {
	for _, c := range l {
		if c.held != nil {
			return c
		}
		if c.isAwaited(at) {
			return nil
		}
	}
	return nil
}
