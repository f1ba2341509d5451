package kfgrab_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// moments returns the timeline of s and the keyframe for each of the times.
func moments(t *testing.T, s *kfgrab.Stream, times ...time.Duration) (line *kfgrab.Timeline, list []keyframe.Moment) {
	t.Helper()
	ctx := within(t, testTime)
	line, err := s.Timeline(ctx)
	if err != nil {
		t.Fatal(err)
	}
	list = make([]keyframe.Moment, len(times))
	var mu sync.Mutex
	err = line.Keyframes(ctx, times, 0, func(m keyframe.Moment) {
		mu.Lock()
		defer mu.Unlock()
		for _, i := range m.Times {
			list[i] = m
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return line, list
}

// TestTimeline: every source with a timeline delivers its keyframes for less
// than the whole file.
func TestTimeline(t *testing.T) {
	for _, tt := range []struct {
		recipe   string
		duration time.Duration
		second   time.Duration // of the second keyframe
	}{
		{"hls-ts", 12 * time.Second, 4 * time.Second}, // the segment's first keyframe is close enough
		{"hls-fmp4", 12 * time.Second, 5 * time.Second},
		{"dash-sidx.mp4", 10 * time.Second, 5 * time.Second},
		{"5mbit.mp4", time.Minute, 4 * time.Second},
	} {
		path := testmedia.Make(t, tt.recipe)
		base := testserver.Nginx(t, filepath.Dir(path))
		s := open(t, base+"/"+filepath.Base(path), nil)
		line, list := moments(t, s, 0, 5*time.Second)
		if line.Duration != tt.duration || line.Live {
			t.Errorf("%s: of %v, live: %v", tt.recipe, line.Duration, line.Live)
		}
		for i, want := range []time.Duration{0, tt.second} {
			if m := list[i]; m.Err != nil || m.Frame == nil || (m.At-want).Abs() > 100*time.Millisecond {
				t.Errorf("%s: at %v, want %v: %v", tt.recipe, m.At, want, m.Err)
			}
		}
		again := s.Spent()
		if _, err := s.Grab(within(t, testTime)); err != nil || s.Spent().Down <= again.Down {
			t.Errorf("%s: no grab behind it: %v", tt.recipe, err)
		}
	}
}

func TestTimelineLive(t *testing.T) {
	o := startOrigin(t)
	line, list := moments(t, open(t, o.HLS(origin.FMP4), nil), 0)
	if !line.Live || line.Duration <= 0 || list[0].Err != nil {
		t.Errorf("live: %v, of %v: %v", line.Live, line.Duration, list[0].Err)
	}
	_, err := open(t, o.RTSP(keyframe.H264), nil).Timeline(within(t, testTime))
	if !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), "only HLS and MP4") {
		t.Error(err)
	}
}

func TestTimelineErrors(t *testing.T) {
	path := testmedia.Make(t, "faststart.mp4")
	_, list := moments(t, open(t, path, &kfgrab.Options{Codec: keyframe.H265}), 0)
	if err := list[0].Err; !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), path+": ") || list[0].Frame != nil {
		t.Errorf("another codec: %v", err)
	}
	line, err := open(t, path, nil).Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, times := range [][]time.Duration{{-1}, {2, 1}} {
		err := line.Keyframes(t.Context(), times, 1, func(keyframe.Moment) { t.Error("called") })
		if !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("%v: %v", times, err)
		}
	}
}
