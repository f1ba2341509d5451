package main

import (
	"errors"
	"os"
	"testing"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/watch"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Of several failures the highest exit code counts, whatever their order.
func TestWorstOutcome(t *testing.T) {
	failures := map[kfgrab.Class]error{
		kfgrab.Other: os.ErrPermission, kfgrab.NoKeyframe: keyframe.ErrNotFound, kfgrab.Timeout: neterror.NotDone(1),
		kfgrab.BadStream: keyframe.ErrCorrupt, kfgrab.Decoder: decode.ErrNoFFmpeg,
	}
	for a, errA := range failures {
		for b, errB := range failures {
			outcomes := []watch.Outcome{{Name: "a", Result: watch.Failed, Err: errA}, {Name: "good"}, {Name: "b", Result: watch.Failed, Err: errB}}
			if got := kfgrab.ClassOf(worstOutcome(outcomes)); got != max(a, b) {
				t.Errorf("%v and %v: %v", a, b, got)
			}
		}
	}
	if err := worstOutcome([]watch.Outcome{{Name: "good"}, {Name: "same", Result: watch.Unchanged}}); err != nil {
		t.Error(err)
	}
	if err := worstOutcome([]watch.Outcome{{Name: "a", Err: errors.New("x"), Result: watch.Failed}}); kfgrab.ClassOf(err) != kfgrab.Other {
		t.Error(err)
	}
}
