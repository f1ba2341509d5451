package schedule

import (
	"errors"
	"fmt"
	"time"
)

// Rule says when a stream is due, in whole by Every or by Cron. The zero value is for
// streams that are never due.
type Rule struct {
	// Every is the time between two runs, from MinEvery to MaxEvery. Runs are at
	// multiples of it by the clock in UTC, and the stream's place in Spread behind.
	Every time.Duration

	// Cron is a line of crontab(5): minute, hour, day of the month, month, day of the
	// week; or @hourly, @daily, @weekly, @monthly, @yearly.
	//
	// Of times that a change of the clocks leaves out, the first is made up for as if
	// the clocks had not been changed; an hour that comes twice has its runs twice.
	Cron string
	// Zone is the time zone of Cron, by its name in the IANA database; "" is UTC,
	// "Local" the system's.
	Zone string

	// Spread is the time over which streams of the same rule start, each at a place that
	// follows from its name. 0 stands for all of Every, and of Cron for CronSpread;
	// NoSpread has all start in the same second.
	Spread time.Duration
}

const (
	// MinEvery is the shortest interval: what is wanted more often is held open, which
	// package session is for.
	MinEvery = time.Second
	// MaxEvery leaves room for once a year.
	MaxEvery = 366 * 24 * time.Hour

	// CronSpread is the resolution of a crontab.
	CronSpread = time.Minute
	// NoSpread as a Rule's Spread is none.
	NoSpread time.Duration = -1
)

// Never says whether r is for streams that are never due.
func (r Rule) Never() bool { return r.Every == 0 && r.Cron == "" }

// String is such as "every 5m0s" or "cron 0 6 * * 1-5 Europe/Berlin".
func (r Rule) String() string {
	var text string
	switch {
	case r.Never():
		return "never"
	case r.Cron == "":
		text = fmt.Sprintf("every %v", r.Every)
	case r.Zone == "":
		text = fmt.Sprintf("cron %s UTC", r.Cron)
	default:
		text = fmt.Sprintf("cron %s %s", r.Cron, r.Zone)
	}
	switch {
	case r.Spread == NoSpread:
		text += ", all at once"
	case r.Spread > 0:
		text += fmt.Sprintf(", spread over %v", r.Spread)
	}
	return text
}

// Validate says what of r makes no sense, nil where nothing.
func (r Rule) Validate() error {
	_, err := r.compileTimetable("")
	return err
}

// compileTimetable makes the timetable of the stream of that name.
func (r Rule) compileTimetable(name string) (timetable, error) {
	spread := r.Spread
	switch {
	case r.Never():
		if r != (Rule{}) {
			return nil, errors.New("a zone or a spread, but neither an interval nor a cron line")
		}
		return never{}, nil
	case spread < 0 && spread != NoSpread:
		return nil, fmt.Errorf("a spread of %v is no time", spread)
	case r.Every != 0 && r.Cron != "":
		return nil, errors.New("an interval and a cron line: give one of them")
	case r.Cron != "":
		if spread == 0 {
			spread = CronSpread
		}
		return newCrontab(r, offsetOf(name, spread))
	case r.Zone != "":
		return nil, errors.New("a time zone is for cron lines")
	case r.Every < MinEvery || r.Every > MaxEvery:
		return nil, fmt.Errorf("an interval of %v is out of bounds: want %v to %v", r.Every, MinEvery, MaxEvery)
	case spread > r.Every:
		return nil, fmt.Errorf("a spread of %v is more than the interval of %v", spread, r.Every)
	case spread == 0:
		spread = r.Every
	}
	return interval{every: r.Every, offset: offsetOf(name, spread)}, nil
}
