package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/program"
)

// shownTimes is how many of the next times of a stream --check prints.
const shownTimes = 3

// printPlan prints what would be done, or returns the error of a run.
func (f *watchFlags) printPlan(ctx context.Context, std *streams, file *config.File, state string) error {
	if err := f.log.checkLogFlags(); err != nil {
		return err
	}
	warnings, err := program.Verify(ctx, file, &program.Options{State: state})
	if err != nil {
		return err
	}

	var b strings.Builder
	b.WriteString(file.Plan())
	fmt.Fprintf(&b, "state: %s\n", cmp.Or(state, "nowhere: name a file with --state"))
	for i := range file.Streams {
		s := &file.Streams[i]
		line, err := nextTimes(s, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "next of %s: %s\n", s.Name, line)
	}
	for _, warning := range warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	_, err = fmt.Fprint(std.out, b.String())
	return err
}

// nextTimes lists the next times of a stream in the zone of its cron line. A stream with an
// interval also runs at the start if its last run is longer ago.
func nextTimes(s *config.Stream, now time.Time) (string, error) {
	list, err := s.Rule().NextTimes(s.Name, now, shownTimes)
	if err != nil {
		return "", err
	}
	zone, err := time.LoadLocation(s.Schedule.Zone)
	if err != nil {
		return "", err
	}
	var texts []string
	for _, at := range list {
		texts = append(texts, at.In(zone).Format(time.RFC3339))
	}
	line := strings.Join(texts, ", ")
	if s.Schedule.Every > 0 {
		line += ", and at the start unless the last one is recent enough"
	}
	return line, nil
}
