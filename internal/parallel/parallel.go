// Package parallel runs a bounded number of goroutines over a list of jobs.
//
// Call [Each]. There are no errors and no results here: those are the jobs' own.
package parallel

import (
	"iter"
	"sync"
)

// Each has n goroutines run work, which takes jobs from the channel until it is
// closed, and returns when all have returned. The jobs are drawn from the sequence in
// the caller's goroutine, one as each is taken.
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
