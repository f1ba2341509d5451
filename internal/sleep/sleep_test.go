package sleep

import (
	"context"
	"testing"
	"time"
)

func TestFor(t *testing.T) {
	if !For(t.Context(), 0) || !For(t.Context(), time.Millisecond) {
		t.Error("the wait was cut short")
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if For(ctx, time.Hour) || For(ctx, 0) {
		t.Error("the wait ignored the context")
	}
}
