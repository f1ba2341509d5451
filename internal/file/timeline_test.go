package file_test

import (
	"bytes"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// moments takes the keyframes of the times, in that order, three in parallel.
func moments(t *testing.T, s *file.Source, times ...time.Duration) (line *file.Timeline, list []keyframe.Moment) {
	t.Helper()
	ctx := within(t, testTime)
	line, err := s.Timeline(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	line.Keyframes(ctx, times, 3, func(m keyframe.Moment) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, m)
	})
	slices.SortFunc(list, func(a, b keyframe.Moment) int { return a.Times[0] - b.Times[0] })
	return line, list
}

// TestTimeline proves that a file on nginx and the local file give the
// keyframes of single grabs. kfgrab reads each keyframe once, the index too,
// and nothing in between.
func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		recipe   string
		duration time.Duration
		every    time.Duration
		most     int64 // bytes down, with headers
	}{
		{"faststart.mp4", 4 * time.Second, time.Second, 70_000},
		{"moov-last.mp4", 4 * time.Second, time.Second, 80_000},
		{"fragmented.mp4", 4 * time.Second, time.Second, 80_000},
		{"hybrid.mp4", 4 * time.Second, time.Second, 80_000},
		{"dash-sidx.mp4", 10 * time.Second, 2 * time.Second, 95_000},
		{"5mbit.mp4", 60 * time.Second, 4 * time.Second, 1_100_000}, // of 37 MB
	} {
		path := testmedia.Make(t, c.recipe)
		var times []time.Duration
		for at := time.Duration(0); at < c.duration; at += c.every {
			times = append(times, at, at+c.every/4)
		}
		base := testserver.Nginx(t, filepath.Dir(path))
		remote, m := resource(t, base+"/"+filepath.Base(path), nil, nil)
		line, list := moments(t, remote, times...)
		_, local := moments(t, file.Open(path, nil), times...)
		if (line.Duration - c.duration).Abs() > time.Millisecond {
			t.Errorf("%s: of %v, want %v", c.recipe, line.Duration, c.duration)
		}
		if len(list) != len(times)/2 || len(local) != len(list) {
			t.Fatalf("%s: %d and %d keyframes, want %d", c.recipe, len(list), len(local), len(times)/2)
		}
		size := 0
		for i, got := range list {
			if got.Err != nil || !slices.Equal(got.Times, []int{2 * i, 2*i + 1}) || (got.At-times[2*i]).Abs() > time.Millisecond {
				t.Fatalf("%s: moment %d is of %v, at %v: %v", c.recipe, i, got.Times, got.At, got.Err)
			}
			same(t, c.recipe, got.Frame, grab(t, file.Open(path, &file.Options{At: times[2*i] + time.Microsecond})))
			same(t, c.recipe, local[i].Frame, got.Frame)
			size += len(got.Frame.Data)
		}
		spent := m.Read()
		t.Logf("%s: %d bytes, %d requests, %d keyframes of %d bytes", c.recipe, spent.Down, spent.Requests, len(list), size)
		if spent.Down > c.most {
			t.Errorf("%s: %d bytes, at most %d", c.recipe, spent.Down, c.most)
		}
	}
}

// TestTimelineMissing proves that a failed range costs only its own keyframe.
func TestTimelineMissing(t *testing.T) {
	data := read(t, "5mbit.mp4")
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if rng := r.Header.Get("Range"); strings.HasPrefix(rng, "bytes=1") && len(rng) > len("bytes=10000000-") {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
	s, _ := resource(t, base+"/x", nil, nil)
	_, list := moments(t, s, 0, 20*time.Second, 40*time.Second)
	var status *fetch.StatusError
	if list[0].Err != nil || list[2].Err != nil || !errors.As(list[1].Err, &status) || list[1].Frame != nil {
		t.Errorf("%v, %v, %v", list[0].Err, list[1].Err, list[2].Err)
	}
}

func TestTimelineErrors(t *testing.T) {
	mp4 := read(t, "faststart.mp4")
	whole := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(mp4) })
	remote, _ := resource(t, whole+"/x", nil, nil)
	for _, c := range []struct {
		name string
		s    *file.Source
		want string
	}{
		{"a transport stream", file.Open(testmedia.Make(t, "h264.ts"), nil), "a single MPEG-TS has no index"},
		{"a byte stream", file.Open(testmedia.Make(t, "h264.264"), nil), "a single Annex B byte stream has no index"},
		{"a pipe", file.NewStream(bytes.NewReader(mp4), nil), "can only be read forward"},
		{"no ranges", remote, "range requests"},
	} {
		if _, err := c.s.Timeline(within(t, testTime)); !errors.Is(err, keyframe.ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := file.Open("/nonexistent.mp4", nil).Timeline(t.Context()); err == nil || errors.Is(err, keyframe.ErrUnsupported) {
		t.Errorf("no file: %v", err)
	}
}
