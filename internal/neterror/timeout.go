package neterror

import (
	"context"
	"time"

	"github.com/kfgrab/kfgrab/internal/units"
)

// TimeoutError means that something did not happen in time. It is a
// context.DeadlineExceeded.
type TimeoutError struct {
	What  string // what did not happen: "no answer"
	Limit time.Duration
}

// NotDone returns the error for a job that took longer than limit.
func NotDone(limit time.Duration) error { return &TimeoutError{What: "not done", Limit: limit} }

// WithTimeout is context.WithTimeout with [NotDone] as the cause.
func WithTimeout(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, NotDone(limit))
}

func (e *TimeoutError) Error() string {
	return e.What + " within " + units.FormatDuration(e.Limit.Round(time.Millisecond))
}

// Is reports whether target is context.DeadlineExceeded.
func (*TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
