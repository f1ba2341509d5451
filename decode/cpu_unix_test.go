//go:build unix

package decode_test

import (
	"syscall"
	"time"
)

// childCPU returns the CPU time of all reaped children.
func childCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// childMiB returns the peak memory of the largest reaped child. Linux counts it
// in KiB (getrusage(2)).
func childMiB() float64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &r) != nil {
		return 0
	}
	return float64(r.Maxrss) / 1024
}
