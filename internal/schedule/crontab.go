package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// maxCron bounds a line: each minute of an hour by its number takes 170 bytes.
const maxCron = 1000

var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// crontab is a cron line in its zone.
type crontab struct {
	spec   cron.SpecSchedule // in UTC
	loc    *time.Location
	offset time.Duration // the stream's place in the spread
}

func newCrontab(r Rule, offset time.Duration) (timetable, error) {
	line := strings.TrimSpace(r.Cron)
	switch {
	case len(line) > maxCron:
		return nil, fmt.Errorf("a cron line of %d bytes is too long", len(line))
	case strings.Contains(line, "TZ="): // the parser would panic at an empty one
		return nil, errors.New("a cron line takes no time zone: give it beside the line")
	case strings.HasPrefix(line, "@every"):
		return nil, errors.New("@every is no cron line: give an interval")
	}
	loc, err := time.LoadLocation(r.Zone)
	if err != nil {
		return nil, fmt.Errorf("no time zone has the name %q: want one such as Europe/Berlin", r.Zone)
	}
	parsed, err := cronParser.Parse(line)
	if err != nil {
		return nil, fmt.Errorf("%q is no cron line: %w", line, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q is no cron line", line)
	}
	c := &crontab{spec: *spec, loc: loc, offset: offset}
	c.spec.Location = time.UTC
	leapYear := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if c.nextAfter(leapYear).IsZero() {
		return nil, fmt.Errorf("%q comes at no time", line)
	}
	return c, nil
}

// maxChanges is how often a zone's clocks may be changed before a line comes: twice in
// each of the five years that the library looks ahead, and Morocco's for Ramadan.
const maxChanges = 25

// nextAfter asks for a calendar whose clocks are never changed, from one change to the next.
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
		at, from = end.In(c.loc), end.Add(-1)
		if _, then := at.Zone(); then > ahead && due.Before(end.Add(time.Duration(then-ahead)*time.Second)) {
			first := c.nextAtOffset(then, from) // due is left out: it comes so late, unless another does by then
			if first.IsZero() || due.Before(first) {
				first = due
			}
			return first.Add(c.offset)
		}
	}
	return time.Time{}
}

// nextAtOffset returns the first time behind t by clocks that are always as many seconds ahead of
// UTC.
func (c *crontab) nextAtOffset(ahead int, t time.Time) time.Time {
	shift := time.Duration(ahead) * time.Second
	due := c.spec.Next(t.UTC().Add(shift))
	if due.IsZero() {
		return due
	}
	return due.Add(-shift)
}
