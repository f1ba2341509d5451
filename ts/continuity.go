package ts

import "math/bits"

// continuity judges the continuity counters of one PID (ISO/IEC 13818-1 2.4.3.3).
// Some muxers never count: their counters are all zero, or anything. So a wrong step
// is a loss only in a stream that counts, and what comes before that is known is in
// doubt.
type continuity struct {
	counter uint8 // of the last packet
	known   bool

	steps   uint64 // of the last packets, the newest first: 1 for a right one
	count   int    // of steps, at most 64
	doubted bool   // a step was wrong before it was known whether the stream counts
}

const (
	// Counters that are not counted are right once in 16 times. At most 3 right ones in
	// 8 show them after enoughSteps; a stream that counts would have to lose most of
	// its packets.
	enoughSteps              = 16
	chanceRight, chanceSteps = 3, 8
	// fewSteps are too few to guess from.
	fewSteps = 4
)

// takeCounter takes the counter of the next packet. It reports whether packets are
// missing before it or, if it turns out only now, a little earlier.
func (c *continuity) takeCounter(counter uint8) (lost bool) {
	next := (c.counter + 1) & 0x0f
	c.counter = counter
	if !c.known {
		c.known = true
		return false
	}

	c.steps <<= 1
	if counter == next {
		c.steps |= 1
	} else {
		c.doubted = true
	}
	c.count = min(64, c.count+1)
	if c.count < enoughSteps {
		return false
	}

	lost = c.doubted && !c.isUncounted()
	c.doubted = false
	return lost
}

// isUncounted reports whether the steps so far are those of a stream that does not
// count.
func (c *continuity) isUncounted() bool {
	return c.count >= fewSteps && bits.OnesCount64(c.steps)*chanceSteps <= c.count*chanceRight
}

// isDoubtful reports whether packets may be missing although nothing was reported yet.
func (c *continuity) isDoubtful() bool { return c.doubted && !c.isUncounted() }

// restart forgets where the counter was.
func (c *continuity) restart() { c.known = false }

// forgive forgets what was in doubt.
func (c *continuity) forgive() { c.doubted = false }
