package decode

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// enter waits for a place. It returns the process that comes with it, if one does.
func (p *Pool) enter(ctx context.Context, c *call) (*warm, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, &Error{Err: errClosed}
	}
	if p.calls == nil {
		p.calls = map[*call]bool{}
	}
	p.calls[c] = true
	p.done.Add(1)
	if p.busy+len(p.idle) < p.size() || len(p.idle) > 0 {
		c.place <- p.take(c.key)
	} else {
		p.queue = append(p.queue, c)
	}
	p.mu.Unlock()
	select {
	case w := <-c.place:
		return w, nil
	case <-ctx.Done():
	}
	p.giveUp(c)
	p.done.Done()
	return nil, &Error{Err: fmt.Errorf("ffmpeg was not started: %w", context.Cause(ctx))}
}

// take makes a place busy, with p.mu held: that of an idle process of the key, a
// free one, or that of the process that is unused for the longest.
func (p *Pool) take(key string) *warm {
	n := slices.IndexFunc(p.idle, func(w *warm) bool { return w.key == key })
	if n < 0 && p.busy+len(p.idle) >= p.size() {
		n = 0
	}
	p.busy++
	if n < 0 {
		return nil
	}
	w := p.idle[n]
	p.idle = slices.Delete(p.idle, n, n+1)
	w.idle.Stop()
	return w
}

// giveUp takes c, whose context has ended, out of the queue, or hands on the place
// that it was given at the same time.
func (p *Pool) giveUp(c *call) {
	p.mu.Lock()
	n := slices.Index(p.queue, c)
	if n >= 0 {
		p.queue = slices.Delete(p.queue, n, n+1)
		delete(p.calls, c)
	}
	p.mu.Unlock()
	if n < 0 {
		p.leave(c, <-c.place)
	}
}

// leave hands on the place of c, with a process that is to be kept or none.
func (p *Pool) leave(c *call, kept *warm) {
	p.mu.Lock()
	delete(p.calls, c)
	p.busy--
	ended := kept != nil && p.closed
	if kept != nil && !ended {
		p.keep(kept)
	}
	if len(p.queue) > 0 {
		next := p.queue[0]
		p.queue = slices.Delete(p.queue, 0, 1)
		next.place <- p.take(next.key)
	}
	p.mu.Unlock()
	if ended {
		kept.end()
	}
}

// keep lets w wait, with p.mu held.
func (p *Pool) keep(w *warm) {
	p.idle = append(p.idle, w)
	w.idle = time.AfterFunc(p.idleTime(), func() {
		p.mu.Lock()
		n := slices.Index(p.idle, w)
		if n < 0 {
			p.mu.Unlock()
			return
		}
		p.idle = slices.Delete(p.idle, n, n+1)
		p.done.Add(1)
		p.mu.Unlock()
		defer p.done.Done()
		w.end()
	})
}
