// Package sleep waits until a time has passed or a context is done. It is internal to
// kfgrab.
package sleep

import (
	"context"
	"time"
)

// For waits for d and reports whether ctx stayed alive meanwhile.
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
