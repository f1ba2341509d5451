package serve

import (
	"context"
	"errors"
	"sync"
)

// signal wakes any number of goroutines when something has changed. The zero
// value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // nil while no goroutine waits
}

// nextChange returns a channel that is closed at the next change. Call it
// before looking at what may change, so as to miss nothing.
func (s *signal) nextChange() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// group does a piece of work once for all callers that ask for it while it
// runs. The zero value is ready; it must be closed.
//
// It differs from golang.org/x/sync/singleflight in that the work ends as soon
// as the last caller has left, and in that close ends everything.
type group[K comparable, V any] struct {
	mu      sync.Mutex
	flights map[K]*flight[V]
	closed  bool
	running sync.WaitGroup
}

// flight is one piece of work under way.
type flight[V any] struct {
	waiting   int
	abandoned bool // no caller is left; the work has yet to return
	cancel    context.CancelCauseFunc
	ended     chan struct{}
	value     V // valid, as is err, once ended is closed
	err       error
}

var (
	errAbandoned = errors.New("all clients have left")
	errClosed    = errors.New("the stream was closed: the service is shutting down or has been reconfigured")
)

// do returns the result of work, or that of the same key's work already under
// way. When ctx ends, do returns its cause; the work goes on if others wait for
// it. The context of work has the values of ctx, but not its end.
func (g *group[K, V]) do(ctx context.Context, key K, work func(context.Context) (V, error)) (V, error) {
	var none V
	for {
		f, joined, err := g.joinFlight(ctx, key, work)
		if err != nil {
			return none, err
		}

		select {
		case <-f.ended:
			if joined {
				return f.value, f.err
			}
		case <-ctx.Done():
			if joined {
				g.leaveFlight(f)
			}
			return none, context.Cause(ctx)
		}
	}
}

// joinFlight returns the flight of key, which it starts if there is none. An
// abandoned flight can't be joined: wait for its end and try again.
func (g *group[K, V]) joinFlight(ctx context.Context, key K, work func(context.Context) (V, error)) (f *flight[V], joined bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()

	if g.closed {
		return nil, false, errClosed
	}
	if f = g.flights[key]; f != nil {
		if f.abandoned {
			return f, false, nil
		}
		f.waiting++
		return f, true, nil
	}

	f = &flight[V]{waiting: 1, ended: make(chan struct{})}
	ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	if g.flights == nil {
		g.flights = map[K]*flight[V]{}
	}
	g.flights[key] = f
	g.running.Add(1)
	go g.runFlight(ctx, key, f, work)
	return f, true, nil
}

func (g *group[K, V]) runFlight(ctx context.Context, key K, f *flight[V], work func(context.Context) (V, error)) {
	defer g.running.Done()
	defer f.cancel(nil)
	f.value, f.err = work(ctx)

	g.mu.Lock()
	delete(g.flights, key)
	g.mu.Unlock()
	close(f.ended)
}

func (g *group[K, V]) leaveFlight(f *flight[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.waiting--
	if f.waiting == 0 {
		f.abandoned = true
		f.cancel(errAbandoned)
	}
}

// close ends all work and waits for it to return. From then on, do fails with
// errClosed.
func (g *group[K, V]) close() {
	g.mu.Lock()
	g.closed = true
	for _, f := range g.flights {
		f.cancel(errClosed)
	}
	g.mu.Unlock()
	g.running.Wait()
}
