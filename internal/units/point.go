package units

import (
	"fmt"
	"strings"
	"time"
)

// Point is a time in a stream: from its start or, if Offset is negative, before its end;
// or a time of day. It is both if it was given as hours, minutes and seconds.
type Point struct {
	Offset time.Duration
	Clock  time.Time
}

// StartOffset stands for the start, as the offset 0 is none.
const StartOffset = time.Nanosecond

// ParsePoint parses a date and time, or what ParseTime does with or without a minus
// sign. Hours, minutes and seconds are also the newest such time of day up to now, in
// the time zone of now.
func ParsePoint(text string, now time.Time) (Point, error) {
	if clock, ok := parseDate(text, now.Location()); ok {
		return Point{Clock: clock}, nil
	}

	number, negative := strings.CutPrefix(text, "-")
	offset, err := ParseTime(number)
	if err != nil {
		return Point{}, fmt.Errorf("%w; or a time before the end, such as -60s, or a time of day, such as 2026-03-01T14:02:03Z", err)
	}
	if offset = max(offset, StartOffset); negative {
		return Point{Offset: -offset}, nil
	}
	return Point{Offset: offset, Clock: newestTimeOfDay(text, now)}, nil
}

// parseDate parses RFC 3339, with or without a zone.
func parseDate(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// newestTimeOfDay returns the newest time up to now at which clocks show text; it is
// zero if text is not HH:MM:SS.
func newestTimeOfDay(text string, now time.Time) time.Time {
	t, err := time.ParseInLocation("15:04:05", text, now.Location())
	if err != nil {
		return time.Time{}
	}
	for _, day := range []int{now.Day(), now.Day() - 1} {
		clock := time.Date(now.Year(), now.Month(), day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), now.Location())
		if !clock.After(now) {
			return clock
		}
	}
	return time.Time{}
}
