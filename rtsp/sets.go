package rtsp

import (
	"bytes"
	"slices"
)

// sets are the parameter sets of a stream so far, the last of them.
type sets [][]byte

const (
	// maxSet bounds those that are kept: ten times the largest that encoders make.
	maxSet = 4 << 10
	// maxSets is how many there are: streams have two or three, some four times that.
	maxSets = 16
)

func (s sets) has(b []byte) bool {
	return slices.ContainsFunc(s, func(old []byte) bool { return bytes.Equal(old, b) })
}

func (s *sets) add(nalus ...[]byte) {
	for _, b := range nalus {
		if len(b) > maxSet || s.has(b) {
			continue
		}
		if len(*s) == maxSets {
			*s = slices.Delete(*s, 0, 1)
		}
		*s = append(*s, bytes.Clone(b))
	}
}

// parameterSet remembers one that is in the stream.
func (d *depacketizer) parameterSet(b []byte) {
	d.sets.add(b)
	if d.sps == nil && d.codec.IsSPS(b) && len(b) <= maxSet {
		d.sps = bytes.Clone(b)
	}
}
