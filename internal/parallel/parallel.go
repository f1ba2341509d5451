// Package parallel runs a bounded number of goroutines over a list of jobs. It is
// internal to kfgrab: timelines read their keyframes through it.
//
// Call [Each]. Jobs report their errors and results themselves.
package parallel

import (
	"iter"
	"sync"
)

// Max bounds the requests that may be under way at once for the keyframes of several
// times. Browsers open six connections to a server, proxies some more.
const Max = 16

// Each has n goroutines run work, which takes jobs from the channel until it is
// closed. Each returns when all have returned. It draws the jobs from the sequence in
// the caller's goroutine, each when a goroutine takes it.
func Each[T any](n int, jobs iter.Seq[T], work func(jobs <-chan T)) {
	given := make(chan T)
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() { work(given) })
	}

	for job := range jobs {
		given <- job
	}
	close(given)
	workers.Wait()
}
