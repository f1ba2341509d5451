package parallel_test

import (
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/internal/parallel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEach: every job is done once, and exactly n run at a time.
func TestEach(t *testing.T) {
	const n, jobs = 3, 30
	var mu sync.Mutex
	var done []int
	busy, most := 0, 0
	together := make(chan struct{})
	parallel.Each(n, slices.Values(make([]int, jobs)), func(given <-chan int) {
		for range given {
			mu.Lock()
			busy++
			most = max(most, busy)
			if len(done)+busy == n {
				close(together)
			}
			mu.Unlock()
			<-together // the first n wait for each other
			mu.Lock()
			busy--
			done = append(done, 0)
			mu.Unlock()
		}
	})
	if len(done) != jobs || most != n {
		t.Errorf("%d jobs done, %d at a time; want %d and %d", len(done), most, jobs, n)
	}
}
