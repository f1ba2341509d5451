// Package sleep waits, but not beyond the end of a context.
package sleep

import (
	"context"
	"time"
)

// For says whether it slept for all of d, ctx not having ended before.
func For(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
