package serve

import (
	"context"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/schedule"
)

// background follows the streams that are warm, and grabs from those that have a
// schedule when they are due, until ctx is done.
func (s *Server) background(ctx context.Context) {
	p := planner{ended: make(chan ended)}
	defer p.running.Wait()
	for {
		replaced := s.replaced.next()
		p.set(s.streams.Load())
		for _, run := range p.plan.Due(time.Now()) {
			p.grab(ctx, run.Name)
		}
		p.announce()
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

// planner is for one goroutine.
type planner struct {
	plan    schedule.Schedule
	roster  *roster
	ended   chan ended
	running sync.WaitGroup
}

type ended struct {
	name string
	ok   bool
}

// set takes in which streams there are.
func (p *planner) set(r *roster) {
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
			c.warm.Do(func() { c.watch() })
		case Scheduled:
			if err := p.plan.Set(time.Now(), c.conf.Name, schedule.Rule(c.conf.Schedule), schedule.State{}); err != nil {
				c.fail(err)
			}
		}
	}
}

// grab begins a run of one stream.
func (p *planner) grab(ctx context.Context, name string) {
	c := p.roster.byName[name]
	p.running.Go(func() {
		_, err := c.take(ctx, 0)
		select {
		case p.ended <- ended{name, err == nil}:
		case <-ctx.Done():
		}
	})
}

// announce tells the streams when they are due.
func (p *planner) announce() {
	for _, name := range p.plan.Names() {
		if c := p.roster.byName[name]; c != nil {
			if due := p.plan.Next(name); !due.IsZero() {
				c.setDue(due)
			}
		}
	}
}

func (c *camera) setDue(due time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = due
}
