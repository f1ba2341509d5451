package program

import (
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"
)

func TestHooksCloseAtTheSameTime(t *testing.T) {
	o := newOutlets(&Options{Stdout: io.Discard, Grace: time.Second, Logger: slog.New(slog.DiscardHandler)})
	met, other := make(chan struct{}, 2), make(chan struct{}, 2)
	meet := func(here, there chan struct{}) func() error {
		return func() error {
			here <- struct{}{}
			select {
			case <-there:
				return nil
			case <-time.After(10 * time.Second):
				return errors.New("the other hook waits for its turn")
			}
		}
	}
	o.all = []*outlet{{close: meet(met, other)}, {close: meet(other, met)}}
	if err := o.closeAll(); err != nil {
		t.Error(err)
	}
}
