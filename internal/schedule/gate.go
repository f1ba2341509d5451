package schedule

import (
	"container/list"
	"context"
	"net/url"
	"strings"
	"sync"
)

// Gate bounds how many streams are at work at once: in all, for each host, and of those
// that are likely to fail. Make one with NewGate. It may be used by many goroutines.
//
// A stream that hangs keeps its place until its own timeout. One host has at most its
// share of the places, and all that have failed before together at most half: so many of
// them hold up no others, except once, each at its first failure.
type Gate struct {
	mu      sync.Mutex
	limits  Limits
	in      int
	failing int
	hosts   map[string]int
	waiting list.List // of *waiter, the longest first
}

// Limits are the bounds of a Gate; 0 is none.
type Limits struct {
	Total   int
	PerHost int
}

// DefaultLimits keep a machine of two cores busy where each grab takes some hundred
// milliseconds of waiting, and no camera or origin more than a browser or two do.
var DefaultLimits = Limits{Total: 64, PerHost: 8}

type waiter struct {
	host    string
	failing bool
	let     chan struct{} // closed
}

// NewGate returns a Gate with these bounds.
func NewGate(l Limits) *Gate { return &Gate{limits: l, hosts: map[string]int{}} }

// SetLimits changes the bounds. Who is in stays.
func (g *Gate) SetLimits(l Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits = l
	g.admitWaiting()
}

// Enter waits for a place for a stream of that host, "" for one without; failing says
// that its last run failed. Those who wait come in in the order in which they came, past
// others that have no place for their host. The place is given back by leave, which may
// be called again. The error is ctx's cause.
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

// admitWaiting lets in all for whom there is a place.
func (g *Gate) admitWaiting() {
	for e := g.waiting.Front(); e != nil && !isFull(g.in, g.limits.Total); {
		w, next := e.Value.(*waiter), e.Next()
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
