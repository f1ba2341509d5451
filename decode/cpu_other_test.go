//go:build !unix

package decode_test

import "time"

func childCPU() time.Duration { return 0 }
