package schedule

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkRun measures the loop for one run of ten thousand streams.
func BenchmarkRun(b *testing.B) {
	c := newClock()
	for i := range 10_000 {
		c.set(b, fmt.Sprint("cam", i), Rule{Every: time.Minute}, State{Due: c.now, Started: c.now})
	}
	runs := 0
	for b.Loop() {
		for _, r := range c.step() {
			c.done(r.Name, true)
			runs++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(runs), "ns/run")
}
