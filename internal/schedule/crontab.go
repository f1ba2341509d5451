package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// maxCron bounds a line: each minute of an hour by its number takes 170 bytes.
const maxCron = 1000

var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// crontab is the timetable of a cron line in its zone.
type crontab struct {
	spec   cron.SpecSchedule // in UTC
	loc    *time.Location
	offset time.Duration // of the stream in the spread
}

func newCrontab(r Rule, offset time.Duration) (timetable, error) {
	line := strings.TrimSpace(r.Cron)
	switch {
	case len(line) > maxCron:
		return nil, fmt.Errorf("the cron line is too long: %d bytes", len(line))
	case strings.Contains(line, "TZ="): // the parser would panic at an empty one
		return nil, errors.New("the cron line contains a time zone: set it separately")
	case strings.HasPrefix(line, "@every"):
		return nil, errors.New("@every is not a cron line: set an interval")
	}
	loc, err := time.LoadLocation(r.Zone)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q: use a name such as Europe/Berlin", r.Zone)
	}

	parsed, err := cronParser.Parse(line)
	if err != nil {
		return nil, fmt.Errorf("invalid cron line %q: %s", line, describeCronError(err))
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("invalid cron line %q", line)
	}

	c := &crontab{spec: *spec, loc: loc, offset: offset}
	c.spec.Location = time.UTC
	leapYear := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if c.nextAfter(leapYear).IsZero() {
		return nil, fmt.Errorf("cron line %q never comes", line)
	}
	return c, nil
}

// goDetails are parts of the parser's texts that show Go's values and functions.
var goDetails = regexp.MustCompile(`: \[.*\]$|: strconv\..*$`)

// describeCronError returns the parser's text without words of Go.
func describeCronError(err error) string {
	text := goDetails.ReplaceAllString(err.Error(), "")
	return strings.Replace(text, "failed to parse int from ", "not a number: ", 1)
}

// maxChanges bounds the clock changes of a zone before a line comes: two in each of the
// five years that the library looks ahead, and more in Morocco for Ramadan.
const maxChanges = 25

// nextAfter asks the library with a fixed offset from UTC, from one clock change to the
// next.
func (c *crontab) nextAfter(t time.Time) time.Time {
	from := t.Add(-c.offset)
	at := from.In(c.loc)
	for range maxChanges {
		_, ahead := at.Zone()
		_, end := at.ZoneBounds()
		due := c.nextAtOffset(ahead, from)
		switch {
		case due.IsZero():
			return due
		case end.IsZero() || due.Before(end):
			return due.Add(c.offset)
		}

		at = end.In(c.loc)
		from = end.Add(-1)
		if _, then := at.Zone(); then > ahead && due.Before(end.Add(time.Duration(then-ahead)*time.Second)) {
			// The change skips the time due. The run comes at due by the old offset, or at
			// the next time by the new one if that is earlier.
			first := c.nextAtOffset(then, from)
			if first.IsZero() || due.Before(first) {
				first = due
			}
			return first.Add(c.offset)
		}
	}
	return time.Time{}
}

// nextAtOffset returns the first time after t by clocks that are always this many seconds
// ahead of UTC.
func (c *crontab) nextAtOffset(ahead int, t time.Time) time.Time {
	shift := time.Duration(ahead) * time.Second
	due := c.spec.Next(t.UTC().Add(shift))
	if due.IsZero() {
		return due
	}
	return due.Add(-shift)
}
