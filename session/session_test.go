package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestRTSP proves that the last pictures of a live stream are the stream's own,
// at the requested intervals, and that the newest keyframe is one of its
// keyframes.
func TestRTSP(t *testing.T) {
	for _, c := range []struct {
		recipe, codec string
		options       kfgrab.RTSPOptions
	}{
		{"live.264", "h264", kfgrab.RTSPOptions{}},
		{"live.265", "h265", kfgrab.RTSPOptions{}},
		{"live-slices.264", "h264", kfgrab.RTSPOptions{Transport: kfgrab.TransportUDP}},
	} {
		t.Run(c.recipe, func(t *testing.T) {
			t.Parallel()
			server := testserver.GStreamer{File: testmedia.Make(t, c.recipe), Codec: c.codec}.Start(t)
			s := start(t, server.URL("/live").String(), &Options{Stream: kfgrab.Options{RTSP: c.options}})
			all := reference(t, c.recipe)
			checkRow(t, s, all, 100)
			checkLatest(t, s, all)
		})
	}
}

// TestMediaMTX proves that pictures sent out of order come out in order.
func TestMediaMTX(t *testing.T) {
	for _, recipe := range []string{"faststart.mp4", "h265.mp4"} {
		t.Run(recipe, func(t *testing.T) {
			t.Parallel()
			server := testserver.MediaMTX{}.Start(t)
			server.Publish(t, testmedia.Make(t, recipe), "/live")
			s := start(t, server.URL("/live").String(), nil)
			all := reference(t, recipe)
			list := checkRow(t, s, all, len(all))
			for i := 1; i < len(list); i++ {
				if step := list[i] - list[i-1]; step != 5 && step > 0 { // otherwise the loop restarts
					t.Errorf("pictures %v, want every fifth", list)
				}
			}
			checkLatest(t, s, all)
		})
	}
}

// TestHLS proves that a session follows live HLS from a master playlist.
func TestHLS(t *testing.T) {
	testmedia.Make(t, "hls-ts") // skips without ffmpeg
	o, err := origin.Start(t.Context(), &origin.Options{Profile: origin.Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	for _, kind := range []origin.Kind{origin.TS, origin.FMP4} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := start(t, o.HLS(kind), &Options{Stream: kfgrab.Options{Width: 256}})
			await(t, s, "six seconds", func(st State) bool { return st.KeptFor >= 6*time.Second })
			c, err := s.Frames(within(t), 6, 1, decode.Output{Format: decode.RGB24})
			if err != nil || c.Width != 256 || c.Height != 144 {
				t.Fatalf("%+v, %v", c, err)
			}
			snap, err := s.Latest()
			if err != nil || snap.Frame.Kind != keyframe.IDR || snap.MediaTime.IsZero() || snap.URL != o.HLS(kind) {
				t.Errorf("%+v, %v", snap, err)
			}
			if st := s.State(); st.Gaps != 0 || st.Dropped != 0 || st.Connections != 1 || st.Down < st.KeptBytes {
				t.Errorf("%+v", st)
			}
		})
	}
}

// TestHLSFromNginx reads a growing playlist from nginx.
func TestHLSFromNginx(t *testing.T) {
	source := filepath.Dir(testmedia.Make(t, "hls-fmp4"))
	root := t.TempDir()
	for _, name := range []string{"init.mp4", "seg0.m4s", "seg1.m4s", "seg2.m4s", "seg3.m4s"} {
		if err := os.WriteFile(filepath.Join(root, name), read(t, filepath.Join(source, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := func(last int) {
		text := "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"init.mp4\"\n"
		for n := range last + 1 {
			text += fmt.Sprintf("#EXTINF:2,\nseg%d.m4s\n", n)
		}
		fresh := filepath.Join(root, "fresh")
		if err := errors.Join(os.WriteFile(fresh, []byte(text), 0o600), os.Rename(fresh, filepath.Join(root, "live.m3u8"))); err != nil {
			t.Fatal(err)
		}
	}
	list(0)
	s := start(t, testserver.Nginx(t, root)+"/live.m3u8", nil)
	for n := 1; n <= 4; n++ { // 50 pictures per segment
		await(t, s, "all pictures", func(st State) bool { return st.Pictures >= int64(50*n) })
		list(min(n, 3))
	}
	c, err := s.Frames(within(t), 6, 1, wholes)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	last := 199 - s.ring.reorder
	s.mu.Unlock()
	want := []int{last - 125, last - 100, last - 75, last - 50, last - 25, last}
	if got := places(t, c, reference(t, "hls-fmp4")); !slices.Equal(got, want) {
		t.Errorf("pictures %v, want %v", got, want)
	}
}

// checkRow requests five pictures at five per second, from a stream of 25 in a
// loop.
func checkRow(t *testing.T, s *Session, all [][]byte, loop int) []int {
	t.Helper()
	c, err := s.Frames(within(t), 5, 5, wholes)
	if err != nil {
		t.Fatal(err)
	}
	list := places(t, c, all)
	for i := 1; i < 5; i++ {
		step, apart := (list[i]-list[i-1]+loop)%loop, c.Times[i]-c.Times[i-1]
		// Servers stamp pictures on arrival, which is not always in time.
		if min(step, loop-step) > 9 || step == 0 || apart < 100*time.Millisecond || apart > 300*time.Millisecond {
			t.Errorf("pictures %v of times %v", list, c.Times)
		}
	}
	if c.KeyframeAge < 0 || c.KeyframeAge > testTime {
		t.Errorf("a keyframe of %v ago", c.KeyframeAge)
	}
	return list
}

func checkLatest(t *testing.T, s *Session, all [][]byte) {
	t.Helper()
	snap, err := s.Latest()
	if err != nil {
		t.Fatal(err)
	}
	sums := testmedia.Hashes(t, snap.Frame.Data, "-f", snap.Frame.Codec.String())
	if len(sums) != 1 || snap.Frame.Kind == keyframe.UnknownKind || time.Since(snap.Taken) > testTime {
		t.Errorf("%d pictures of kind %v at %v", len(sums), snap.Frame.Kind, snap.Taken)
	}
	snap.Frame.Data[len(snap.Frame.Data)/2] ^= 0xff // a copy that the caller may change
	if c, err := s.Frames(within(t), 1, 0, wholes); err != nil {
		t.Error(err)
	} else {
		places(t, c, all)
	}
}

// TestSlowReaders proves that a caller who decodes slowly holds nothing up.
func TestSlowReaders(t *testing.T) {
	server := testserver.GStreamer{File: testmedia.Make(t, "live.264"), Codec: "h264"}.Start(t)
	dir := t.TempDir()
	slow := filepath.Join(dir, "ffmpeg")
	if err := os.WriteFile(slow, []byte("#!/bin/sh\ncat > /dev/null\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, server.URL("/live").String(), &Options{Decoder: decode.Decoder{Path: slow}})
	await(t, s, "a keyframe", func(st State) bool { return st.Keyframes > 0 })
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			if _, err := s.Frames(ctx, 2, 25, wholes); !errors.Is(err, enough) {
				t.Error(err)
			}
		})
	}
	before := s.State()
	await(t, s, "two more keyframes", func(st State) bool {
		if _, err := s.Latest(); err != nil {
			t.Error(err)
		}
		return st.Keyframes >= before.Keyframes+2
	})
	cancel(enough)
	readers.Wait()
	if st := s.State(); st.Gaps > 0 || !st.Connected {
		t.Errorf("%+v", st)
	}
}

// TestTooFew proves that Frames waits for missing pictures until its context
// ends, and fails at once if they can never come.
func TestTooFew(t *testing.T) {
	server := testserver.GStreamer{File: testmedia.Make(t, "live.264"), Codec: "h264"}.Start(t)
	s := start(t, server.URL("/live").String(), &Options{Keep: 2 * time.Second})
	if _, err := s.Latest(); !errors.Is(err, keyframe.ErrNotFound) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Frames(ctx, 3, 2, wholes); !errors.Is(err, keyframe.ErrNotFound) || kfgrab.ClassOf(err) != kfgrab.Timeout {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"further than is kept": ask(s, t.Context(), 100, 25, wholes),
		"more than are kept":   ask(s, within(t), 500, 0, wholes),
		"none":                 ask(s, t.Context(), 0, 1, wholes),
		"backwards":            ask(s, t.Context(), 1, -1, wholes),
		"JPEG":                 ask(s, t.Context(), 1, 1, decode.Output{}),
		"too large":            ask(s, t.Context(), 1, 1, decode.Output{Format: decode.RGB24, Width: 1 << 20}),
	} {
		if !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Close()
	if err := ask(s, t.Context(), 50, 25, wholes); !errors.Is(err, errClosed) && err != nil {
		t.Error(err)
	}
}

func ask(s *Session, ctx context.Context, n int, rate float64, o decode.Output) error {
	_, err := s.Frames(ctx, n, rate, o)
	return err
}

// TestHopeless proves that a failure that no retry can mend is returned at
// once, after one attempt.
func TestHopeless(t *testing.T) {
	server := testserver.GStreamer{File: testmedia.Make(t, "live.264"), Codec: "h264", User: "u", Password: "s3cret"}.Start(t)
	stranger := *server.URL("/live")
	stranger.User = nil
	recording := testserver.Nginx(t, filepath.Dir(testmedia.Make(t, "hls-ts")))
	for rawURL, class := range map[string]kfgrab.Class{
		stranger.String():            kfgrab.Unauthorised,
		recording + "/index.m3u8":    kfgrab.BadStream,
		recording + "/seg0.ts":       kfgrab.BadStream,
		testmedia.Make(t, "h264.ts"): kfgrab.BadStream,
	} {
		s := start(t, rawURL, nil)
		err := ask(s, within(t), 1, 0, wholes)
		if kfgrab.ClassOf(err) != class {
			t.Errorf("%s: %v", rawURL, err)
		}
		if st := s.State(); !st.Ended || st.Attempts != 1 || st.Err == nil {
			t.Errorf("%s: %+v", rawURL, st)
		}
	}
}

// TestOpen proves that Open refuses invalid options.
func TestOpen(t *testing.T) {
	for _, c := range []struct {
		rawURL string
		o      *Options
	}{
		{"", nil},
		{"gopher://host/", nil},
		{"rtsp://host/", &Options{Keep: -1}},
		{"rtsp://host/", &Options{MaxBytes: -1}},
	} {
		if _, err := Open(c.rawURL, c.o); !errors.Is(err, kfgrab.ErrUsage) {
			t.Errorf("%s: %v", c.rawURL, err)
		}
	}
}

// TestClose closes sessions in any state, and twice.
func TestClose(t *testing.T) {
	s, err := Open("rtsp://127.0.0.1:1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if st := s.State(); st != (State{KeyframeAge: -1}) {
		t.Errorf("%+v", st)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	s.Start(t.Context())
	if _, err := s.Latest(); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	s = start(t, "rtsp://127.0.0.1:1/", nil)
	s.Close()
	if s, err = Open("rtsp://127.0.0.1:1/", nil); err != nil {
		t.Fatal(err)
	}
	s.Start(ctx)
	cancel(io.ErrClosedPipe)
	if err := ask(s, within(t), 1, 0, wholes); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	s.Close()
}

func TestBackoff(t *testing.T) {
	var b backoff
	for i, c := range []struct {
		lasted time.Duration
		chance float64
		want   time.Duration
	}{
		{0, 0, 250 * time.Millisecond},
		{0, 1, time.Second},
		{0, 0.5, 1500 * time.Millisecond},
		{time.Second, 1, 4 * time.Second},
		{time.Minute, 1, 500 * time.Millisecond},
		{0, 1, time.Second},
	} {
		if got := b.nextWait(c.lasted, c.chance); got != c.want {
			t.Errorf("wait %d is %v, want %v", i, got, c.want)
		}
	}
	for range 9 {
		b.nextWait(0, 0)
	}
	if got := b.nextWait(0, 1); got != maxWait {
		t.Errorf("%v at most, want %v", got, maxWait)
	}
}
