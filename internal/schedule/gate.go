package schedule

import (
	"container/list"
	"context"
	"net/url"
	"strings"
	"sync"
)

// Gate bounds how many streams run at once: in all, for each host, and of those that
// failed last time. Use NewGate to make one. It is safe for concurrent use.
//
// A stream that hangs keeps its place until its own timeout. Each host has a limited
// number of places, and all streams that failed last time share half of the places. So
// failing streams delay the others only once each, at their first failure.
type Gate struct {
	mu      sync.Mutex
	limits  Limits
	in      int
	failing int
	hosts   map[string]int
	waiting list.List // of *waiter, in order of arrival
}

// Limits are the bounds of a Gate; 0 means no bound.
type Limits struct {
	Total   int
	PerHost int
}

// DefaultLimits keep a machine of two cores busy if each grab waits some hundred
// milliseconds, and load no camera or origin more than one or two browsers do.
var DefaultLimits = Limits{Total: 64, PerHost: 8}

type waiter struct {
	host    string
	failing bool
	let     chan struct{} // closed on entry
}

// NewGate returns a Gate with these bounds.
func NewGate(l Limits) *Gate { return &Gate{limits: l, hosts: map[string]int{}} }

// SetLimits changes the bounds. Streams that have entered stay.
func (g *Gate) SetLimits(l Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits = l
	g.admitWaiting()
}

// Enter waits for a place for a stream of the given host, "" for a stream without one.
// failing means that its last run failed. Streams enter in order of arrival, except those
// whose host has no place. leave, which may be called several times, releases the place.
// The error is ctx's cause.
func (g *Gate) Enter(ctx context.Context, host string, failing bool) (leave func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}

	w := &waiter{host: host, failing: failing, let: make(chan struct{})}
	g.mu.Lock()
	place := g.waiting.PushBack(w)
	g.admitWaiting()
	g.mu.Unlock()

	select {
	case <-w.let:
		return sync.OnceFunc(func() { g.releasePlace(w) }), nil
	case <-ctx.Done():
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.let: // at the same moment
		g.freePlace(w)
		g.admitWaiting()
	default:
		g.waiting.Remove(place)
	}
	return nil, context.Cause(ctx)
}

func (g *Gate) releasePlace(w *waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.freePlace(w)
	g.admitWaiting()
}

func (g *Gate) freePlace(w *waiter) {
	g.in--
	if w.failing {
		g.failing--
	}
	if g.hosts[w.host]--; g.hosts[w.host] == 0 {
		delete(g.hosts, w.host)
	}
}

// admitWaiting lets in every waiter that has a place.
func (g *Gate) admitWaiting() {
	for e := g.waiting.Front(); e != nil && !isFull(g.in, g.limits.Total); {
		w := e.Value.(*waiter)
		next := e.Next()
		if g.hasPlace(w) {
			g.waiting.Remove(e)
			g.in++
			g.hosts[w.host]++
			if w.failing {
				g.failing++
			}
			close(w.let)
		}
		e = next
	}
}

func (g *Gate) hasPlace(w *waiter) bool {
	if w.host != "" && isFull(g.hosts[w.host], g.limits.PerHost) {
		return false
	}
	return !w.failing || g.limits.Total == 0 || g.failing < max(1, g.limits.Total/2)
}

func isFull(n, limit int) bool { return limit > 0 && n >= limit }

// HostOf returns the host to pass to [Gate.Enter] for a URL, "" if it has none.
func HostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
