package rtsp

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// lossyGrabs returns how many pictures TestLossy takes, and of which streams.
// KFGRAB_LOSSY_GRABS sets another number, as make bench-loss does.
func lossyGrabs() (n int, files []string) {
	n, err := strconv.Atoi(os.Getenv("KFGRAB_LOSSY_GRABS"))
	if err != nil {
		return 6, []string{"live.264", "live-slices.264", "live.265"}
	}
	return n, []string{"live.264", "live-slices.264", "live.265", "camera.264"}
}

// TestLossy proves that if one datagram in twenty is lost and as many come
// late, no picture is torn: each is byte for byte a keyframe that was sent.
func TestLossy(t *testing.T) {
	count, files := lossyGrabs()
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, codec := testmedia.Make(t, name), keyframe.H264
			if filepath.Ext(name) == ".265" {
				codec = keyframe.H265
			}
			s := load(t, name, codec)
			srv := testserver.GStreamer{File: file, Codec: "h" + filepath.Ext(name)[1:]}.Start(t)
			watch(t, srv)
			u := testserver.Lossy{Loss: 0.05, Late: 0.05, Seed: 1}.Start(t, srv.URL("/live"))

			var mu sync.Mutex
			var grabs, inTime, lost, damaged int
			var waits []time.Duration
			take := func() {
				source, err := New(u, &Options{Transport: UDP})
				if err != nil {
					t.Error(err)
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
				defer cancel()
				f, err := source.Keyframe(ctx)
				g := source.Stats()
				mu.Lock()
				defer mu.Unlock()
				grabs++
				lost, damaged = lost+g.Lost, damaged+g.Damaged
				if err != nil {
					t.Logf("%v: %+v", err, g)
					return
				}
				inTime++
				waits = append(waits, g.Wait)
				if !slices.ContainsFunc(s.frames, func(sent *keyframe.Frame) bool { return bytes.Equal(pictureOf(f), pictureOf(sent)) }) {
					t.Errorf("a picture of %d bytes that was not sent: %+v", len(f.Data), g)
				}
			}
			var running sync.WaitGroup
			jobs := make(chan struct{})
			for range 4 {
				running.Go(func() {
					for range jobs {
						take()
					}
				})
			}
			for range count {
				jobs <- struct{}{}
			}
			close(jobs)
			running.Wait()
			if lost == 0 || inTime == 0 {
				t.Fatalf("%d packets were lost, %d pictures came", lost, inTime)
			}
			slices.Sort(waits)
			t.Logf("%d of %d grabs within %v, %d packets lost, %d keyframes damaged, wait %v median, %v at most", inTime, grabs, DefaultKeyframeTimeout,
				lost, damaged, waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)-1].Round(time.Millisecond))
		})
	}
}
