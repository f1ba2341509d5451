package serve

import (
	"context"
	"errors"
	"sync"
)

// group has a piece of work done once for all who ask for it while it goes on. It goes on
// for as long as one of them waits. The zero value is ready; it must be closed.
type group[K comparable, V any] struct {
	mu      sync.Mutex
	flights map[K]*flight[V]
	closed  bool
	running sync.WaitGroup
}

// flight is one piece of work under way.
type flight[V any] struct {
	waiting   int
	abandoned bool // all who waited have gone: it only has to end yet
	cancel    context.CancelCauseFunc
	ended     chan struct{}
	value     V // and err, once ended is closed
	err       error
}

var (
	errAbandoned = errors.New("nobody waits for it any more")
	errClosed    = errors.New("the stream was closed: the service shuts down, or has it configured otherwise now")
)

// do returns what work does, or what it did for another who asked for the same key. The
// end of ctx ends the waiting, and the work where nobody else waits for it; the error is
// then ctx's cause. work's own context has ctx's values alone.
func (g *group[K, V]) do(ctx context.Context, key K, work func(context.Context) (V, error)) (V, error) {
	var none V
	for {
		f, joined, err := g.join(ctx, key, work)
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
				g.leave(f)
			}
			return none, context.Cause(ctx)
		}
	}
}

// join returns the flight of key. Of one that is abandoned only the end can be waited for.
func (g *group[K, V]) join(ctx context.Context, key K, work func(context.Context) (V, error)) (f *flight[V], joined bool, err error) {
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
	go g.fly(ctx, key, f, work)
	return f, true, nil
}

func (g *group[K, V]) fly(ctx context.Context, key K, f *flight[V], work func(context.Context) (V, error)) {
	defer g.running.Done()
	defer f.cancel(nil)
	f.value, f.err = work(ctx)
	g.mu.Lock()
	delete(g.flights, key)
	g.mu.Unlock()
	close(f.ended)
}

func (g *group[K, V]) leave(f *flight[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.abandoned = true
		f.cancel(errAbandoned)
	}
}

// close ends all work and waits for that. What is asked for afterwards is errClosed.
func (g *group[K, V]) close() {
	g.mu.Lock()
	g.closed = true
	for _, f := range g.flights {
		f.cancel(errClosed)
	}
	g.mu.Unlock()
	g.running.Wait()
}
