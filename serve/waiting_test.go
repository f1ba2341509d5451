package serve

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// waiters returns how many callers wait for a key.
func (g *group[K, V]) waiters(key K) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.flights[key]; f != nil {
		return f.waiting
	}
	return 0
}

// TestGroup: simultaneous callers share one piece of work, whichever of them
// leaves.
func TestGroup(t *testing.T) {
	var g group[string, int]
	defer g.close()
	begun, proceed, worked := make(chan struct{}), make(chan struct{}), 0
	work := func(ctx context.Context) (int, error) {
		worked++
		close(begun)
		<-proceed
		return 7, ctx.Err()
	}
	first, goes := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := g.do(first, "a", work); !errors.Is(err, context.Canceled) {
			t.Errorf("who goes gets %v", err)
		}
	})
	<-begun
	for range 5 {
		all.Go(func() {
			if v, err := g.do(t.Context(), "a", work); v != 7 || err != nil {
				t.Errorf("%d, %v", v, err)
			}
		})
	}
	for g.waiters("a") < 6 {
		runtime.Gosched()
	}
	goes()
	for g.waiters("a") > 5 {
		runtime.Gosched()
	}
	close(proceed)
	all.Wait()
	if worked != 1 {
		t.Errorf("worked %d times", worked)
	}
}

// TestGroupAbandoned: work ends when all callers have left; a later caller has
// it done again after that.
func TestGroupAbandoned(t *testing.T) {
	var g group[string, int]
	defer g.close()
	begun, stopped, proceed := make(chan struct{}), make(chan error, 1), make(chan struct{})
	ctx, goes := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		g.do(ctx, "a", func(ctx context.Context) (int, error) {
			close(begun)
			<-ctx.Done()
			stopped <- context.Cause(ctx)
			<-proceed
			return 0, ctx.Err()
		})
	})
	<-begun
	goes()
	if err := <-stopped; !errors.Is(err, errAbandoned) {
		t.Errorf("stopped by %v", err)
	}
	all.Go(func() {
		v, err := g.do(t.Context(), "a", func(context.Context) (int, error) {
			select {
			case <-proceed:
			default:
				t.Error("two at a time")
			}
			return 8, nil
		})
		if v != 8 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
	})
	close(proceed)
	all.Wait()
}

// TestGroupClose: close ends all work, and no more begins.
func TestGroupClose(t *testing.T) {
	var g group[string, int]
	begun, result := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := g.do(t.Context(), "a", func(ctx context.Context) (int, error) {
			close(begun)
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		result <- err
	}()
	<-begun
	g.close()
	if err := <-result; !errors.Is(err, errClosed) {
		t.Errorf("ended by %v", err)
	}
	if _, err := g.do(t.Context(), "a", nil); !errors.Is(err, errClosed) {
		t.Errorf("afterwards %v", err)
	}
}
