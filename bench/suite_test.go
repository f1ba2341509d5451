package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// shortStage is a window of two segments of a small stream.
func shortStage(m *media, step int) (*stage, error) {
	s := newStage("short", ladder[2:], avcCodecs)
	s.files[s.media] = livePlaylist(2, 2*time.Second, step, func(n int) string { return fmt.Sprintf("../small/seg%d.ts", n) }).String()
	last := fmt.Sprintf("seg%d.ts", step+1)
	b, err := m.readFile("small", last)
	if err != nil {
		return nil, err
	}
	n, err := firstKeyframeEnd(b)
	if err != nil {
		return nil, err
	}
	s.setCosts(s.media, nil, []Body{{"segment, to the keyframe's end", n}})
	s.reference = []piece{{file: m.filePath("small", last)}}
	return s, nil
}

// TestSuite: the suite measures a contestant that fetches one known segment
// whole, and the second grab, over either kind of link.
func TestSuite(t *testing.T) {
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	for _, tool := range []string{"nginx", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	t.Run("namespaces", func(t *testing.T) {
		if err := canIsolate(); err != nil {
			t.Skip(err)
		}
		testSuite(t, dir, nil)
	})
	t.Run("loopback", func(t *testing.T) { testSuite(t, dir, errors.New("as a test")) })
}

func testSuite(t *testing.T, dir string, against error) {
	s := &suite{
		Config: Config{Repeats: 1, Progress: func(int, int, string) {}},
		media:  &media{dirs: map[string]string{"small": dir}}, dir: t.TempDir(), results: &Results{},
	}
	defer func() {
		if err := s.stopSides(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.startSides(against); err != nil {
		t.Fatal(err)
	}
	const decode = `ffmpeg -v error -i PICTURE.ts -frames:v 1 -q:v 2 -y PICTURE`
	contestants := []Contestant{
		{Name: "whole segment", Command: shellCommand("curl -sS -o PICTURE.m3u8 MEDIA && curl -sS -o PICTURE.ts $(dirname MEDIA)/../small/seg1.ts && " + decode)},
		{Name: againName, kfgrab: true, again: true, Command: splitWords("kfgrab-bench again --ca CERTIFICATE MASTER PICTURE")},
		{Name: "broken", Command: shellCommand("echo sorry >&2; exit 3")},
	}
	for _, server := range []string{plainServer, tlsServer} {
		who := contestants
		if server == tlsServer {
			who = contestants[1:2] // curl does not trust the certificate
		}
		if err := s.runJob(t.Context(), job{Case: Case{Name: server, build: shortStage}, server: server, who: who}); err != nil {
			t.Fatal(err)
		}
	}
	whole, second, broken, overTLS := &s.results.Rows[0], &s.results.Rows[1], &s.results.Rows[2], &s.results.Rows[3]
	segment, err := os.Stat(filepath.Join(dir, "seg1.ts"))
	if err != nil {
		t.Fatal(err)
	}
	// Expected are the segment and two headers; packet headers add a twentieth.
	if down := whole.Median.Down; down < segment.Size()+200 || down > segment.Size()*108/100+2500 {
		t.Errorf("%d bytes counted for a segment of %d", down, segment.Size())
	}
	if whole.Median.Requests != 2 || whole.Status != okStatus || !whole.Same || whole.Median.CPU == 0 || whole.Median.Memory < 1<<20 {
		t.Errorf("whole segment: %+v", whole)
	}
	for _, r := range []*Row{second, overTLS} {
		if r.Status != okStatus || !r.Same || r.Median.Requests < 2 || r.Ratio < 0.9 || r.Ratio > 4 || r.Median.Wall == 0 {
			t.Errorf("second grab: %+v", r)
		}
	}
	if broken.Status != "failed: exit 3: sorry" {
		t.Errorf("broken: %q", broken.Status)
	}
}

// TestInterrupted: a contestant ends with the suite's context.
func TestInterrupted(t *testing.T) {
	s := &suite{
		Config: Config{Repeats: 1, Progress: func(int, int, string) {}},
		media:  &media{dirs: map[string]string{"small": filepath.Dir(testmedia.Make(t, "hls-ts"))}}, dir: t.TempDir(), results: &Results{},
	}
	defer func() {
		if err := s.stopSides(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip(err)
	}
	if err := s.startSides(errors.New("as a test")); err != nil {
		t.Fatal(err)
	}
	started := filepath.Join(t.TempDir(), "started")
	if err := syscall.Mkfifo(started, 0o600); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer context.AfterFunc(ctx, s.client.interrupt)()
	stop := errors.New("stop")
	var opened sync.WaitGroup
	opened.Go(func() {
		os.ReadFile(started) //nolint:errcheck // that there is a writer is all
		cancel(stop)
	})
	defer opened.Wait()
	sleeper := Contestant{Name: "sleeper", Command: shellCommand(": >" + started + "; sleep 1000")}
	err := s.runJob(ctx, job{Case: Case{Name: "short", build: shortStage}, server: plainServer, who: []Contestant{sleeper, sleeper}})
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
}
