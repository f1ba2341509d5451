package serve

import (
	"context"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/schedule"
)

// runSchedule holds warm streams open and grabs scheduled ones when they are
// due, until ctx is done.
func (s *Server) runSchedule(ctx context.Context) {
	p := planner{ended: make(chan grabEnd)}
	defer p.running.Wait()

	for {
		replaced := s.replaced.nextChange()
		p.setRoster(s.streams.Load())
		for _, run := range p.plan.Due(time.Now()) {
			p.startGrab(ctx, run.Name)
		}
		p.noteDueTimes()

		next := time.NewTimer(p.plan.Wait(time.Now()))
		select {
		case <-next.C:
		case <-replaced:
		case e := <-p.ended:
			p.plan.Done(time.Now(), e.name, e.ok)
		case <-ctx.Done():
			next.Stop()
			return
		}
		next.Stop()
	}
}

// planner belongs to one goroutine.
type planner struct {
	plan    schedule.Schedule
	roster  *roster
	ended   chan grabEnd
	running sync.WaitGroup
}

type grabEnd struct {
	name string
	ok   bool
}

// setRoster plans the scheduled streams and opens the warm ones.
func (p *planner) setRoster(r *roster) {
	if p.roster == r {
		return
	}
	p.roster = r

	for _, name := range p.plan.Names() {
		if c := r.byName[name]; c == nil || c.conf.Mode != Scheduled {
			p.plan.Remove(name)
		}
	}

	for _, c := range r.list {
		switch c.conf.Mode {
		case Warm:
			c.warm.Do(func() { c.audience.join() })
		case Scheduled:
			if err := p.plan.Set(time.Now(), c.conf.Name, schedule.Rule(c.conf.Schedule), schedule.State{}); err != nil {
				c.fail(err)
			}
		}
	}
}

func (p *planner) startGrab(ctx context.Context, name string) {
	c := p.roster.byName[name]
	p.running.Go(func() {
		_, err := c.take(ctx, 0)
		select {
		case p.ended <- grabEnd{name, err == nil}:
		case <-ctx.Done():
		}
	})
}

func (p *planner) noteDueTimes() {
	for _, name := range p.plan.Names() {
		if c := p.roster.byName[name]; c != nil {
			if due := p.plan.Next(name); !due.IsZero() {
				c.record.update(func(s *status) { s.due = due })
			}
		}
	}
}
