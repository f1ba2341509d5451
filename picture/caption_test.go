package picture

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab"
)

func TestCaption(t *testing.T) {
	taken := time.Date(2026, 3, 1, 1, 2, 3, 450_000_000, time.FixedZone("", 3600))
	for _, test := range []struct {
		media    time.Time
		timeless bool
		want     []string
	}{
		{time.Time{}, false, []string{"camera", "taken 2026-03-01 00:02:03 UTC"}},
		{taken.Add(-6250 * time.Millisecond), false, []string{"camera", "2026-03-01 00:01:57 UTC, 6.3 s old"}},
		{taken.Add(-6250 * time.Millisecond), true, []string{"camera"}},
	} {
		o := &Options{Name: "camera", Deterministic: test.timeless}
		got := o.captionLines(&kfgrab.Snapshot{Taken: taken, MediaTime: test.media})
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%v, %v: %s", test.media, test.timeless, d)
		}
	}
}
