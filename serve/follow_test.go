package serve

import (
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestPace: what comes as it would be seen does not wait, what comes sooner waits until
// then, and a jump of the clock holds nothing up.
func TestPace(t *testing.T) {
	const s = time.Second
	start := time.Unix(1000, 0)
	for name, steps := range map[string][]struct{ comes, pts, shown time.Duration }{
		"live":           {{0, 0, 0}, {2 * s, 2 * s, 2 * s}, {4*s + s/10, 4 * s, 4*s + s/10}, {6 * s, 6 * s, 6*s + s/10 - s/25}},
		"recording":      {{0, 0, 0}, {0, 2 * s, 2*s - s/25}, {2 * s, 4 * s, 4*s - 2*s/25}},
		"without times":  {{0, keyframe.NoPTS, 0}, {0, keyframe.NoPTS, s / 10}, {s, keyframe.NoPTS, s}},
		"clock set back": {{0, 100 * s, 0}, {2 * s, 0, 2 * s}, {4 * s, 2 * s, 4 * s}},
		"clock jumps":    {{0, 0, 0}, {2 * s, 1000 * s, 2 * s}, {2 * s, 1000 * s, 2*s + s/10}},
	} {
		var p pace
		for i, step := range steps {
			if got := step.comes + p.wait(start.Add(step.comes), step.pts); got != step.shown {
				t.Errorf("%s: picture %d is shown at %v, want %v", name, i, got, step.shown)
			}
		}
	}
}

// TestStandstill: of a stream that is followed the newest keyframe is stale when the next
// one should have come.
func TestStandstill(t *testing.T) {
	const s = time.Second
	now := time.Unix(1000, 0)
	for _, test := range []struct {
		age, gap, maxAge time.Duration
		want             state
	}{{2 * s, 0, 5 * s, fresh}, {6 * s, 0, 5 * s, stale}, {6 * s, 4 * s, 5 * s, fresh}, {9 * s, 4 * s, 5 * s, stale}, {9 * s, 4 * s, 10 * s, fresh}} {
		c := &camera{live: true, last: &capture{}, confirmed: now.Add(-test.age), gap: test.gap}
		if got, err, known := c.known(now, test.maxAge); got.state != test.want || err != nil || !known {
			t.Errorf("%+v: %s", test, got.state)
		}
	}
}
