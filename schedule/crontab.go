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
	there cron.SpecSchedule // by clocks of the zone
	naive cron.SpecSchedule // by a calendar whose clocks are never changed
	loc   *time.Location
	// offset is the stream's place in the spread.
	offset time.Duration
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
	c := &crontab{there: *spec, naive: *spec, loc: loc, offset: offset}
	c.there.Location, c.naive.Location = loc, time.UTC
	leapYear := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if c.next(leapYear).IsZero() {
		return nil, fmt.Errorf("%q comes at no time", line)
	}
	return c, nil
}

func (c *crontab) next(t time.Time) time.Time {
	t = t.Add(-c.offset)
	due := c.there.Next(t)
	if left, ok := c.leftOut(t); ok && left.After(t) && (due.IsZero() || left.Before(due)) {
		due = left
	}
	if due.IsZero() {
		return due
	}
	return due.UTC().Add(c.offset)
}

// leftOut returns the next time behind t by a calendar whose clocks are never changed,
// where the zone's clocks do not show it: when they would, had they not been set
// forward.
func (c *crontab) leftOut(t time.Time) (time.Time, bool) {
	due := c.naive.Next(asUTC(t.In(c.loc)))
	if due.IsZero() {
		return due, false
	}
	y, m, d := due.Date()
	there := time.Date(y, m, d, due.Hour(), due.Minute(), 0, 0, c.loc)
	if asUTC(there).Equal(due) {
		return due, false
	}
	const before = 12 * time.Hour // no zone changes its clocks twice within that
	_, offset := there.Add(-before).Zone()
	return due.Add(-time.Duration(offset) * time.Second), true
}

// asUTC returns the time at which clocks in UTC show what those of t's zone do.
func asUTC(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
