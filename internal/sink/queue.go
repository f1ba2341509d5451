package sink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

const (
	// DefaultWorkers is how many events a Queue tells at once where
	// QueueOptions.Workers is 0.
	DefaultWorkers = 4
	// DefaultDepth is how many wait where QueueOptions.Depth is 0: those of a thousand
	// streams that have a picture at once. They take some hundred bytes each.
	DefaultDepth = 1000
)

// ErrQueueFull is reported of an event for which there was no room.
var ErrQueueFull = errors.New("too many pictures are waiting to be told of: this one is left out")

// QueueOptions says how events are told. The zero value works.
type QueueOptions struct {
	Workers int // events told at once; 0 means DefaultWorkers
	Depth   int // events that wait; 0 means DefaultDepth
	// Report is called with what came of each event: nil, the error of telling it,
	// ErrQueueFull, or fs.ErrClosed. It is called from several goroutines. May be nil.
	Report func(Event, error)
}

// Queue tells of pictures in goroutines of its own.
type Queue struct {
	report func(Event, error)
	stop   context.CancelCauseFunc
	done   chan struct{} // closed when the workers have ended

	mu     sync.Mutex
	events chan Event
	closed bool
}

// NewQueue starts the workers, which end with Close. tell is [Exec.Run] or
// [Webhook.Post].
func NewQueue(tell func(context.Context, Event) error, o *QueueOptions) *Queue {
	q := &Queue{report: func(Event, error) {}, done: make(chan struct{})}
	workers, depth := DefaultWorkers, DefaultDepth
	if o != nil {
		if o.Workers > 0 {
			workers = o.Workers
		}
		if o.Depth > 0 {
			depth = o.Depth
		}
		if o.Report != nil {
			q.report = o.Report
		}
	}
	q.events = make(chan Event, depth)
	ctx, stop := context.WithCancelCause(context.Background())
	q.stop = stop
	var running sync.WaitGroup
	for range workers {
		running.Go(func() { q.work(ctx, tell) })
	}
	go func() {
		running.Wait()
		close(q.done)
	}()
	return q
}

func (q *Queue) work(ctx context.Context, tell func(context.Context, Event) error) {
	for e := range q.events {
		if ctx.Err() != nil {
			q.report(e, context.Cause(ctx))
			continue
		}
		q.report(e, tell(ctx, e))
	}
}

// Tell puts e into the queue and returns at once. Where there is no room e is left
// out, as Report is told.
func (q *Queue) Tell(e Event) {
	if err := q.put(e); err != nil {
		q.report(e, err)
	}
}

func (q *Queue) put(e Event) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return fs.ErrClosed
	}
	select {
	case q.events <- e:
		return nil
	default:
		return ErrQueueFull
	}
}

// Close takes no more events and waits until all are told, but not beyond ctx, with
// whose end those under way are interrupted and those that wait are left out.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.events)
	}
	q.mu.Unlock()
	defer q.stop(nil)
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
	}
	q.stop(fmt.Errorf("hooks were not done in time: %w", context.Cause(ctx)))
	<-q.done
	return context.Cause(ctx)
}
