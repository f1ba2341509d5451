package sink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/kfgrab/kfgrab/internal/event"
)

const (
	// defaultWorkers is how many hooks a Queue runs at once.
	defaultWorkers = 4
	// defaultDepth is how many events wait: those of a thousand streams at the same
	// moment. Each takes some hundred bytes.
	defaultDepth = 1000
)

// errQueueFull is reported for an event that found no room.
var errQueueFull = errors.New("event queue full; event dropped")

// QueueOptions are the settings of a Queue. The zero value works.
type QueueOptions struct {
	// Report is called with the result of each event: nil, the hook's error, an error
	// if the queue was full, or fs.ErrClosed. It is called from several goroutines. May
	// be nil.
	Report func(event.Event, error)

	workers, depth int // 0 means the defaults
}

// Queue calls a hook for each event, in goroutines of its own.
type Queue struct {
	report func(event.Event, error)
	stop   context.CancelCauseFunc
	done   chan struct{} // closed when the workers have ended

	mu     sync.Mutex
	events chan event.Event
	closed bool
}

// NewQueue starts the workers, which end with Close. hook is [Exec.Run] or
// [Webhook.Post].
func NewQueue(hook func(context.Context, event.Event) error, o *QueueOptions) *Queue {
	var opt QueueOptions
	if o != nil {
		opt = *o
	}

	q := &Queue{
		report: opt.Report, done: make(chan struct{}),
		events: make(chan event.Event, cmp.Or(opt.depth, defaultDepth)),
	}
	if q.report == nil {
		q.report = func(event.Event, error) {}
	}

	ctx, stop := context.WithCancelCause(context.Background())
	q.stop = stop
	var running sync.WaitGroup
	for range cmp.Or(opt.workers, defaultWorkers) {
		running.Go(func() { q.runWorker(ctx, hook) })
	}
	go func() {
		running.Wait()
		close(q.done)
	}()
	return q
}

func (q *Queue) runWorker(ctx context.Context, hook func(context.Context, event.Event) error) {
	for e := range q.events {
		if ctx.Err() != nil {
			q.report(e, context.Cause(ctx))
			continue
		}
		q.report(e, hook(ctx, e))
	}
}

// Notify puts e into the queue and returns at once. If there is no room, it drops e and
// calls Report.
func (q *Queue) Notify(e event.Event) {
	if err := q.enqueue(e); err != nil {
		q.report(e, err)
	}
}

func (q *Queue) enqueue(e event.Event) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return fs.ErrClosed
	}
	select {
	case q.events <- e:
		return nil
	default:
		return errQueueFull
	}
}

// Close accepts no more events and waits until all are handled. When ctx is done, it
// interrupts the running hooks and drops the waiting events.
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
	q.stop(fmt.Errorf("the hooks took too long: %w", context.Cause(ctx)))
	<-q.done
	return context.Cause(ctx)
}
