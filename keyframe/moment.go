package keyframe

import "time"

// MaxParallel bounds the requests that may be under way at once for the keyframes of
// several times. Browsers open six connections to a server, proxies some more.
const MaxParallel = 16

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
