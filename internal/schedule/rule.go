package schedule

import (
	"errors"
	"fmt"
	"time"
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
	// Each has an offset that follows from its name. 0 means Every, or a minute for Cron.
	// NoSpread starts all of them at once.
	Spread time.Duration
}

const (
	// MinEvery is the shortest interval. To get pictures more often, hold the stream open
	// with package session.
	MinEvery = time.Second
	// MaxEvery allows one run a year.
	MaxEvery = 366 * 24 * time.Hour

	// cronSpread is the resolution of a crontab.
	cronSpread = time.Minute
	// NoSpread as a Rule's Spread starts all streams at once.
	NoSpread time.Duration = -1
)

// Never reports whether r is for streams that are never due.
func (r Rule) Never() bool { return r.Every == 0 && r.Cron == "" }

// String returns a text such as "every 5m0s" or "cron 0 6 * * 1-5 Europe/Berlin".
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

// Validate returns an error if r is invalid.
func (r Rule) Validate() error {
	_, err := r.compileTimetable("")
	return err
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
		if spread == 0 {
			spread = cronSpread
		}
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
