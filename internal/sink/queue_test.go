package sink

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"

	"github.com/kfgrab/kfgrab/internal/event"
)

// results collects the reports of a Queue.
type results struct {
	mu  sync.Mutex
	all map[string][]error
}

func (r *results) add(e event.Event, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string][]error{}
	}
	r.all[e.Stream] = append(r.all[e.Stream], err)
}

// only returns the only result of a stream.
func (r *results) only(t *testing.T, stream string) error {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all[stream]) != 1 {
		t.Fatalf("%s: reported %d times", stream, len(r.all[stream]))
	}
	return r.all[stream][0]
}

func TestQueueHandlesAll(t *testing.T) {
	refused := errors.New("refused")
	var r results
	q := NewQueue(func(_ context.Context, e event.Event) error {
		if e.Stream == "b" {
			return refused
		}
		return nil
	}, &QueueOptions{Report: r.add})
	for _, name := range []string{"a", "b", "c"} {
		q.Notify(event.Event{Stream: name})
	}
	if err := q.Close(within(t, testTime)); err != nil {
		t.Fatal(err)
	}
	q.Notify(event.Event{Stream: "late"})
	for name, want := range map[string]error{"a": nil, "b": refused, "c": nil, "late": fs.ErrClosed} {
		if got := r.only(t, name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if err := q.Close(within(t, testTime)); err != nil {
		t.Error(err)
	}
}

// A hook that hangs delays nobody: events without room are dropped, and Close
// interrupts the running hook.
func TestQueueHookHangs(t *testing.T) {
	var r results
	began := make(chan struct{}, 2)
	q := NewQueue(func(ctx context.Context, _ event.Event) error {
		began <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}, &QueueOptions{workers: 2, depth: 1, Report: r.add})
	q.Notify(event.Event{Stream: "a"})
	<-began
	q.Notify(event.Event{Stream: "b"})
	<-began
	q.Notify(event.Event{Stream: "waits"})
	q.Notify(event.Event{Stream: "dropped"})
	if err := r.only(t, "dropped"); err != errQueueFull {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if err := q.Close(ctx); !errors.Is(err, stopped) {
		t.Error(err)
	}
	for _, name := range []string{"a", "b", "waits"} {
		if err := r.only(t, name); !errors.Is(err, stopped) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// At most so many hooks as there are workers run at once.
func TestQueueWorkers(t *testing.T) {
	const workers = 3
	var mu sync.Mutex
	now, most := 0, 0
	full := make(chan struct{})
	q := NewQueue(func(context.Context, event.Event) error {
		mu.Lock()
		if now++; now > most {
			most = now
			if most == workers {
				close(full)
			}
		}
		mu.Unlock()
		<-full
		mu.Lock()
		now--
		mu.Unlock()
		return nil
	}, &QueueOptions{workers: workers})
	for range 50 {
		q.Notify(event.Event{})
	}
	if err := q.Close(within(t, testTime)); err != nil || most != workers {
		t.Errorf("%d at once, %v", most, err)
	}
}
