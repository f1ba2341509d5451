package serve

import (
	"errors"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
)

func TestPause(t *testing.T) {
	down, locked := errors.New("down"), &fetch.StatusError{Code: 401}
	for _, test := range []struct {
		err    error
		count  int
		maxAge time.Duration
		want   time.Duration
	}{
		{down, 1, minAge, time.Second},
		{down, 1, 5 * time.Second, time.Second},
		{down, 3, 5 * time.Second, 4 * time.Second},
		{down, 4, 5 * time.Second, 5 * time.Second},
		{down, 1000, time.Hour, 30 * time.Second},
		{down, 1000, minAge, time.Second},
		{locked, 1, 5 * time.Second, 30 * time.Second},
		{locked, 9, minAge, time.Second},
	} {
		if got := (&failure{err: test.err, count: test.count}).pause(test.maxAge); got != test.want {
			t.Errorf("%v, %d times, up to %v: %v, want %v", test.err, test.count, test.maxAge, got, test.want)
		}
	}
}

// TestPauseOfSamples: a client that wants a picture a second does not have
// wrong credentials tried as often.
func TestPauseOfSamples(t *testing.T) {
	wrong := &failure{err: &fetch.StatusError{Code: 401}, count: 1}
	for _, every := range []time.Duration{minInterval, time.Second, maxInterval} {
		if got := wrong.pause(sampleAge(every)); got != maxPause {
			t.Errorf("every %v: %v", every, got)
		}
	}
}
