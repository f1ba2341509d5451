package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
	"time"
)

// timetable has the times at which a stream is due, by the wall clock.
type timetable interface {
	// nextAfter returns the first time after t, or the zero time if there is none.
	nextAfter(t time.Time) time.Time
}

// never is the timetable without times.
type never struct{}

func (never) nextAfter(time.Time) time.Time { return time.Time{} }

// interval has each multiple of every since the zero time, plus offset.
type interval struct{ every, offset time.Duration }

func (i interval) nextAfter(t time.Time) time.Time {
	return t.Add(-i.offset).Truncate(i.every).Add(i.every + i.offset)
}

// maxCount bounds the steps through a crontab: a higher count is of no use.
const maxCount = 1000

// countBetween returns how many times of table are after from and not after to.
func countBetween(table timetable, from, to time.Time) int {
	if i, ok := table.(interval); ok && to.After(from) {
		first := i.nextAfter(from)
		if first.After(to) {
			return 0
		}
		return 1 + int(to.Sub(first)/i.every)
	}
	n := 0
	for t := table.nextAfter(from); !t.IsZero() && !t.After(to) && n < maxCount; t = table.nextAfter(t) {
		n++
	}
	return n
}

// gapAfter returns the time between the next two times after t, or the longest duration
// if there are no two.
func gapAfter(table timetable, t time.Time) time.Duration {
	first := table.nextAfter(t)
	if first.IsZero() {
		return math.MaxInt64
	}
	second := table.nextAfter(first)
	if second.IsZero() {
		return math.MaxInt64
	}
	return second.Sub(first)
}

// offsetOf returns a time from 0 to spread, exclusive. It depends on the name alone, and
// the offsets of many names are spread evenly.
func offsetOf(name string, spread time.Duration) time.Duration {
	if spread <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(name))
	high, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), uint64(spread))
	return time.Duration(high)
}
