package schedule

import (
	"errors"
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/internal/units"
)

// Rule says when a stream is due, either by Every or by Cron. The zero value is for
// streams that are never due.
type Rule struct {
	// Every is the time between two runs, from MinEvery to MaxEvery. Runs are at
	// multiples of it in UTC, plus the stream's offset in Spread.
	Every time.Duration

	// Cron is a line of crontab(5): minute, hour, day of the month, month, day of the
	// week; or @hourly, @daily, @weekly, @monthly, @yearly.
	//
	// If a clock change skips times, the first of them is made up for as if the clock had
	// not changed. In an hour that comes twice, runs come twice.
	Cron string
	// Zone is the time zone of Cron, by its name in the IANA database. "" means UTC,
	// "Local" the system's zone.
	Zone string

	// Spread is the time over which the starts of streams with the same rule are spread.
	// Each has an offset that follows from its name. NoSpread starts all of them at once.
	//
	// 0 means Every. For Cron, 0 means that the first stream starts at its minute and the
	// others after it, CatchUpRate per second, or as many as the minute takes.
	Spread time.Duration
}

const (
	// MinEvery is the shortest interval. To get pictures more often, hold the stream open
	// with package session.
	MinEvery = time.Second
	// MaxEvery allows one run a year.
	MaxEvery = 366 * 24 * time.Hour

	// cronMinute is the resolution of a crontab.
	cronMinute = time.Minute
	// NoSpread as a Rule's Spread starts all streams at once.
	NoSpread time.Duration = -1
)

// Never reports whether r is for streams that are never due.
func (r Rule) Never() bool { return r.Every == 0 && r.Cron == "" }

// String returns a text such as "every 5m" or "cron 0 6 * * 1-5 Europe/Berlin".
func (r Rule) String() string {
	var text string
	switch {
	case r.Never():
		return "never"
	case r.Cron == "":
		text = "every " + units.FormatDuration(r.Every)
	case r.Zone == "":
		text = fmt.Sprintf("cron %s UTC", r.Cron)
	default:
		text = fmt.Sprintf("cron %s %s", r.Cron, r.Zone)
	}
	switch {
	case r.Spread == NoSpread:
		text += ", all at once"
	case r.Spread > 0:
		text += ", spread over " + units.FormatDuration(r.Spread)
	}
	return text
}

// Validate returns an error if r is invalid.
func (r Rule) Validate() error {
	_, err := r.compileTimetable("")
	return err
}

// NextTimes returns the first n times after now at which the stream with this name is
// due, fewer if there are no more.
func (r Rule) NextTimes(name string, now time.Time, n int) ([]time.Time, error) {
	table, err := r.compileTimetable(name)
	if err != nil {
		return nil, err
	}
	var list []time.Time
	for at := table.nextAfter(now); !at.IsZero() && len(list) < n; at = table.nextAfter(at) {
		list = append(list, at)
	}
	return list, nil
}

// compileTimetable returns the timetable of the stream with this name.
func (r Rule) compileTimetable(name string) (timetable, error) {
	spread := r.Spread
	switch {
	case r.Never():
		if r != (Rule{}) {
			return nil, errors.New("a zone or a spread needs an interval or a cron line")
		}
		return never{}, nil
	case spread < 0 && spread != NoSpread:
		return nil, fmt.Errorf("negative spread: %v", spread)
	case r.Every != 0 && r.Cron != "":
		return nil, errors.New("both an interval and a cron line: use one of them")
	case r.Cron != "":
		return newCrontab(r, offsetOf(name, spread))
	case r.Zone != "":
		return nil, errors.New("a time zone needs a cron line")
	case r.Every < MinEvery || r.Every > MaxEvery:
		return nil, fmt.Errorf("an interval of %v is out of bounds: want %v to %v", r.Every, MinEvery, MaxEvery)
	case spread > r.Every:
		return nil, fmt.Errorf("the spread of %v is longer than the interval of %v", spread, r.Every)
	case spread == 0:
		spread = r.Every
	}
	return interval{every: r.Every, offset: offsetOf(name, spread)}, nil
}
