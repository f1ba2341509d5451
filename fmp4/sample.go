package fmp4

import (
	"math"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// sample is the place of one access unit and what the index tells of it.
type sample struct {
	number int64 // counts the samples that the index lists, in decoding order
	off    int64
	size   int64
	pts    int64 // composition time less Track.editShift, in Track.Timescale
	sync   bool
	desc   int  // index of its description
	hidden bool // there is encryption data
	aux    *auxiliary
	entry  int // in aux
}

// samples yields the samples of one track in decoding order: those of a moov
// box, or of a moof box.
type samples interface {
	// next returns the next sample, passing over those that are neither sync nor
	// asked for by all. Empty samples are passed over too. ok is false at the end.
	next(all bool) (s sample, ok bool)
}

// toDuration turns media time into time. Times that a Duration cannot hold give
// keyframe.NoPTS, and those before the start of the movie 0.
func toDuration(units int64, timescale uint32) time.Duration {
	if timescale == 0 {
		return keyframe.NoPTS
	}
	scale := int64(timescale)
	seconds, rest := units/scale, units%scale
	if seconds >= math.MaxInt64/int64(time.Second) {
		return keyframe.NoPTS
	}
	return max(0, time.Duration(seconds)*time.Second+time.Duration(rest)*time.Second/time.Duration(scale))
}
