//go:build !unix

package decode_test

import "time"

func childCPU() time.Duration { return 0 }

func childMiB() float64 { return 0 }
