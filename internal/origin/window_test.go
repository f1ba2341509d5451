package origin

import (
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testLine has loops of three segments of 6 s.
var testLine = timeline{start: epoch, segment: 6 * time.Second, loop: 3, window: 6}

func TestListed(t *testing.T) {
	for _, c := range []struct {
		name        string
		after       time.Duration
		first, last int
	}{
		{"before the start", -time.Hour, 0, -1},
		{"first segment not whole", 6*time.Second - 1, 0, -1},
		{"first segment whole", 6 * time.Second, 0, 0},
		{"just before the second", 12*time.Second - 1, 0, 0},
		{"window filling", 30 * time.Second, 0, 4},
		{"window full", 36 * time.Second, 0, 5},
		{"window slides", 42 * time.Second, 1, 6},
		{"a day later", 24 * time.Hour, 14394, 14399},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, last := testLine.listedRange(epoch.Add(c.after))
			if first != c.first || last != c.last {
				t.Errorf("listed %d to %d, want %d to %d", first, last, c.first, c.last)
			}
		})
	}
}

func TestAvailable(t *testing.T) {
	now := epoch.Add(120 * time.Second) // lists 14 to 19
	for n, want := range map[int]bool{-1: false, 0: false, 7: false, 8: true, 13: true, 14: true, 19: true, 20: false} {
		if got := testLine.isAvailable(n, now); got != want {
			t.Errorf("segment %d available: %v, want %v", n, got, want)
		}
	}
	if testLine.isAvailable(-3, epoch) {
		t.Error("a negative segment is available")
	}
}

func TestDiscontinuity(t *testing.T) {
	for n, want := range []bool{false, false, false, true, false, false, true} {
		if got := testLine.isDiscontinuity(n); got != want {
			t.Errorf("discontinuity before %d: %v, want %v", n, got, want)
		}
	}
	for first, want := range []int{0, 0, 0, 0, 1, 1, 1, 2} {
		if got := testLine.discontinuitySequence(first); got != want {
			t.Errorf("discontinuity sequence of a playlist from %d on: %d, want %d", first, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	if got := testLine.beginOf(2); !got.Equal(epoch.Add(12 * time.Second)) {
		t.Errorf("segment 2 begins %v", got)
	}
	if n := testLine.newestSegment(testLine.publishedAt(7)); n != 7 {
		t.Errorf("when 7 is published the newest is %d", n)
	}
	if n := testLine.newestSegment(testLine.publishedAt(7).Add(-1)); n != 6 {
		t.Errorf("just before 7 is published the newest is %d", n)
	}
	if got := testLine.loopIndex(7); got != 1 {
		t.Errorf("segment 7 repeats %d", got)
	}
}
