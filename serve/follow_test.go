package serve

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestPace: a picture in real time does not wait, an early one waits for its
// time, and a jump of the clock delays nothing.
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

// TestStandstill: the newest keyframe of an open stream is stale once the next
// one should have come.
func TestStandstill(t *testing.T) {
	const s = time.Second
	now := time.Unix(1000, 0)
	for _, test := range []struct {
		age, gap, maxAge time.Duration
		want             state
	}{{2 * s, 0, 5 * s, fresh}, {6 * s, 0, 5 * s, stale}, {6 * s, 4 * s, 5 * s, fresh}, {9 * s, 4 * s, 5 * s, stale}, {9 * s, 4 * s, 10 * s, fresh}} {
		s := status{live: true, last: &capture{}, confirmed: now.Add(-test.age), gap: test.gap}
		if got, err, known := s.answer(now, test.maxAge, &Stream{}); got.state != test.want || err != nil || !known {
			t.Errorf("%+v: %s", test, got.state)
		}
	}
}

// TestLinger: a stream is held open for lingerTime after its last viewer has
// left, whenever others left before.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int64 // a timer's goroutine writes it
		a := newAudience(func(ctx context.Context) { <-ctx.Done() }, func() { ended.Add(1) })
		defer a.close()
		expect := func(step string, followed bool, ends int64) {
			t.Helper()
			synctest.Wait()
			if _, is := a.count(); is != followed || ended.Load() != ends {
				t.Errorf("%s: held open: %v, ended %d times", step, is, ended.Load())
			}
		}
		leave := a.join()
		expect("one watches", true, 0)
		leave()
		<-time.After(lingerTime - time.Second)
		expect("nobody watches", true, 0)
		leave = a.join()
		leave()
		<-time.After(lingerTime - time.Second) // the first viewer left long ago
		expect("another has left", true, 0)
		<-time.After(time.Second)
		expect("nobody has watched for long enough", false, 1)
		leave = a.join()
		<-time.After(2 * lingerTime)
		expect("somebody watches again", true, 1)
		leave()
		<-time.After(lingerTime)
		expect("and has left", false, 2)
	})
}

// TestLingerRace: a timer that fires while others come and go ends nothing.
func TestLingerRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(func(ctx context.Context) { <-ctx.Done() }, func() {})
		defer a.close()
		a.join()()
		fired := time.Now().Add(lingerTime)
		<-time.After(time.Second)
		a.join()()
		a.endIfIdle(fired)
		if _, followed := a.count(); !followed {
			t.Error("it has ended")
		}
	})
}
