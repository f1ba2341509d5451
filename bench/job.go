package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// delayedCases are also measured with added latency.
var delayedCases = []string{"ts", "fmp4"}

// job is a case on a server with the contestants that take part.
type job struct {
	Case
	server  string
	latency time.Duration
	who     []Contestant
	tuning  bool
}

// runJobs runs all jobs.
func (s *suite) runJobs(ctx context.Context) error {
	jobs := s.listJobs()
	for _, j := range jobs {
		s.total += len(j.who) * s.Repeats
	}
	for _, j := range jobs {
		if err := s.runJob(ctx, j); err != nil {
			return fmt.Errorf("%s: %w", j.Name, err)
		}
	}
	return nil
}

func (s *suite) listJobs() []job {
	wanted := func(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
	var who []Contestant
	for _, c := range Contestants() {
		if lacks := c.missingProgram(s.programs); lacks != "" {
			s.results.LeftOut[c.Name] = lacks
		} else if wanted(s.Contestants, c.Name) {
			who = append(who, c)
		}
	}

	var jobs []job
	for _, c := range Cases() {
		if !wanted(s.Cases, c.Name) {
			continue
		}
		takesPart := slices.DeleteFunc(slices.Clone(who), func(w Contestant) bool {
			return (w.small && !c.ladder) || (len(w.only) > 0 && !slices.Contains(w.only, c.Name))
		})
		jobs = append(jobs, job{Case: c, server: c.server, who: takesPart})
		if s.Tuning && (c.Name == "ts" || c.Name == "fmp4") {
			jobs = append(jobs, job{Case: c, server: c.server, who: Tuning(), tuning: true})
		}
		if slices.Contains(delayedCases, c.Name) && !s.NoLatency {
			for _, d := range Latencies {
				jobs = append(jobs, job{Case: c, server: delayedServer(d), latency: d, who: takesPart})
			}
		}
	}
	return jobs
}

// runJob runs a job's contestants in turn, several times, so that anything that disturbs
// the machine disturbs all of them.
func (s *suite) runJob(ctx context.Context, j job) error {
	stages, err := s.buildStages(ctx, j)
	if err != nil {
		return err
	}
	rows := make([]Row, len(j.who))
	for i, c := range j.who {
		rows[i] = Row{
			Case: j.Name, Contestant: c.Name, Latency: j.latency, Status: okStatus,
			Command: c.String(), Floor: s.floorFor(&c, &stages[0], &stages[1]),
		}
	}

	for repeat := range s.Repeats {
		now, next := &stages[repeat%moments], &stages[repeat%moments+1]
		for i := range j.who {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s.results.Load[1] = max(s.results.Load[1], systemLoad())
			s.Progress(s.done, s.total, j.Name+", "+j.who[i].Name)
			if rows[i].Status == okStatus {
				if err := s.runOnce(&rows[i], j, &j.who[i], now, next); err != nil {
					return err
				}
			}
			s.done++
		}
	}

	for i := range rows {
		rows[i].summarise()
	}
	if j.tuning {
		s.results.Tuning = append(s.results.Tuning, rows...)
	} else {
		s.results.Rows = append(s.results.Rows, rows...)
	}
	return nil
}

// buildStages returns a stage for each moment that the runs take in turn, and one more.
func (s *suite) buildStages(ctx context.Context, j job) ([]expected, error) {
	var out []expected
	for step := range min(s.Repeats, moments) + 1 {
		st, err := j.build(s.media, step)
		if err != nil {
			return nil, err
		}
		e, err := s.decodeExpected(ctx, st)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// floorFor returns the floor of a contestant's picture: now, or for the second grab next.
func (s *suite) floorFor(c *Contestant, now, next *expected) Floor {
	bodies := now.cold
	switch {
	case c.again:
		bodies = next.again
	case c.small:
		bodies = now.small
	case c.direct:
		bodies = now.cold[1:]
	}
	return newFloor(bodies, s.headers, !c.again)
}
