package rtsp

import (
	"bytes"
	"slices"
)

// damageCount counts keyframes that were dropped for a hole in them.
type damageCount struct {
	count       int
	first, last int64 // ticks
	here        bool  // the access unit being gathered is counted already
}

func (c *damageCount) countAt(ticks int64) {
	if c.here {
		return
	}
	if c.count == 0 {
		c.first = ticks
	}
	c.count++
	c.last, c.here = ticks, true
}

// parameterSetList holds the latest parameter sets of a stream.
type parameterSetList [][]byte

const (
	// maxSet bounds the sets that are kept: ten times the largest that encoders make.
	maxSet = 4 << 10
	// maxSets bounds their number: streams have two or three, some four times that.
	maxSets = 16
)

func (s parameterSetList) contains(b []byte) bool {
	return slices.ContainsFunc(s, func(old []byte) bool { return bytes.Equal(old, b) })
}

func (s *parameterSetList) remember(nalus ...[]byte) {
	for _, b := range nalus {
		if len(b) > maxSet || s.contains(b) {
			continue
		}
		if len(*s) == maxSets {
			*s = slices.Delete(*s, 0, 1)
		}
		*s = append(*s, bytes.Clone(b))
	}
}
