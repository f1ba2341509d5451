package keyframe

import "time"

// Moment is the keyframe of one or of several of the times that were asked for.
type Moment struct {
	// Times are the indices of those times, ascending.
	Times []int
	// At is when the keyframe is shown, on the clock of the times asked for. Without
	// a Frame it has no meaning.
	At time.Duration
	// Frame is the keyframe, nil where Err says why there is none.
	Frame *Frame
	Err   error
}
