package warm

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// enterQueued makes n calls wait, one after the other, for the occupied place.
func enterQueued(t *testing.T, p *Pool, n int) (cancels []context.CancelFunc, places []chan *Place, got chan int) {
	t.Helper()
	got = make(chan int, n)
	for k := range n {
		ctx, cancel := context.WithCancel(context.Background())
		place := make(chan *Place, 1)
		cancels, places = append(cancels, cancel), append(places, place)
		go func() {
			pl, err := p.Enter(ctx, nil)
			if err == nil {
				place <- pl
				got <- k
			} else if errors.Is(err, context.Canceled) {
				got <- -k
			}
		}()
		for waiting := 0; waiting <= k; runtime.Gosched() {
			s := p.allPlaces()
			s.mu.Lock()
			waiting = len(s.queue)
			s.mu.Unlock()
		}
	}
	return cancels, places, got
}

// TestPlacesInOrder proves that calls get places in the order of their arrival.
func TestPlacesInOrder(t *testing.T) {
	p := &Pool{Size: 1}
	leaving, err := p.Enter(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cancels, places, got := enterQueued(t, p, 4)
	cancels[2]()
	if k := <-got; k != -2 {
		t.Errorf("call %d is served while the place is taken", k)
	}
	for _, want := range []int{0, 1, 3} {
		leaving.Leave()
		if k := <-got; k != want {
			t.Errorf("call %d before call %d", k, want)
		}
		leaving = <-places[want]
	}
	leaving.Leave()
	for _, cancel := range cancels {
		cancel()
	}
	if s := p.allPlaces(); s.busy != 0 || len(s.joined) != 0 || len(s.queue) != 0 {
		t.Errorf("%d busy, %d joined, %d in the queue", s.busy, len(s.joined), len(s.queue))
	}
	p.Close()
}
