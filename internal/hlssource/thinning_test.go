package hlssource

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestTimelineThinned proves that every time has a keyframe although the budget is too
// small for all of them, and that nothing changes if it is not. The keyframes are
// spread over the whole recording.
func TestTimelineThinned(t *testing.T) {
	halfSeconds := func(from, to int) (times []time.Duration) {
		for i := from; i < to; i++ {
			times = append(times, time.Duration(i)*time.Second/2)
		}
		return times
	}
	for _, tt := range []struct {
		recipe  string
		times   []time.Duration
		budget  int64
		thinned bool
		atLeast int // different keyframes
	}{
		{"hls-ts", halfSeconds(0, 24), 64 << 20, false, 12},
		{"hls-ts", halfSeconds(0, 24), 1 << 20, true, 6},
		{"hls-ts", halfSeconds(0, 24), 700_000, true, 6},
		{"hls-ts", halfSeconds(0, 24), 300_000, true, 6},
		{"hls-ts", halfSeconds(0, 24), 100_000, true, 3},
		{"hls-ts", everySecond(0, 12), 300_000, true, 6},
		{"hls-byterange", everySecond(0, 12), 300_000, true, 6},
		{"hls-ts", halfSeconds(3, 20), 300_000, true, 5},
		{"hls-fmp4", everySecond(0, 12), 64 << 20, false, 12},
		{"hls-fmp4", everySecond(0, 12), 90_000, true, 4},
		{"hls-fmp4-byterange", everySecond(0, 12), 90_000, true, 4},
	} {
		web := newSite(t, directory(t, testmedia.Make(t, tt.recipe)))
		ctx, cancel := context.WithTimeout(t.Context(), testTime)
		defer cancel()
		line, err := source(t, web.URL+"/index.m3u8", nil, &fetch.Options{MaxBytes: tt.budget}).Timeline(ctx)
		if err != nil {
			t.Fatal(err)
		}

		var mu sync.Mutex
		var served []int
		different := map[time.Duration]bool{}
		line.Keyframes(ctx, tt.times, 2, func(m keyframe.Moment) {
			mu.Lock()
			defer mu.Unlock()
			served = append(served, m.Times...)
			different[m.At] = true
			if m.Err != nil {
				t.Errorf("%s, %d times within %d: %v", tt.recipe, len(tt.times), tt.budget, m.Err)
			}
		})

		slices.Sort(served)
		if len(slices.Compact(served)) != len(tt.times) || line.Thinned != tt.thinned || len(different) < tt.atLeast {
			t.Errorf("%s, %d times within %d: %d served, thinned %v, keyframes %v", tt.recipe, len(tt.times), tt.budget, len(served), line.Thinned, different)
		}
		if asked := web.took(); !strings.Contains(tt.recipe, "fmp4") {
			onceOnly(t, asked)
		}
	}
}
