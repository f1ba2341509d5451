package session

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

func TestMain(m *testing.M) {
	if os.Getenv(serverMode) != "" {
		os.Exit(serveBenchmark())
	}
	goleak.VerifyTestMain(m)
}

// testTime is far more than any of the tests need.
const testTime = 30 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	return ctx
}

// start opens a session that ends with the test.
func start(t testing.TB, rawURL string, o *Options) *Session {
	t.Helper()
	s, err := Open(rawURL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Start(context.Background())
	return s
}

// await waits until fits accepts the state.
func await(t *testing.T, s *Session, what string, fits func(State) bool) State {
	t.Helper()
	ctx := within(t)
	for {
		s.mu.Lock()
		if s.wake == nil {
			s.wake = make(chan struct{})
		}
		wake := s.wake
		s.mu.Unlock()
		st := s.State()
		if fits(st) {
			return st
		}
		select {
		case <-wake:
		case <-ctx.Done():
			t.Fatalf("never %s: %+v", what, st)
		}
	}
}

// reference decodes a recipe with ffmpeg as RGB24 in its own size.
func reference(t *testing.T, recipe string) [][]byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", testmedia.Make(t, recipe), "-map", "0:v:0", "-fps_mode", "passthrough",
		"-pix_fmt", "rgb24", "-f", "rawvideo", "-")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(slices.Chunk(out, 3*640*360))
}

// places returns the positions of a clip's pictures in a reference.
func places(t *testing.T, c *Clip, all [][]byte) (list []int) {
	t.Helper()
	if len(c.Data) != c.Count*c.Height*c.Width*3 || len(c.Times) != c.Count || c.Width != 640 || c.Height != 360 {
		t.Fatalf("%d bytes for %d pictures of %dx%d, %d times", len(c.Data), c.Count, c.Width, c.Height, len(c.Times))
	}
	for picture := range slices.Chunk(c.Data, len(all[0])) {
		at := slices.IndexFunc(all, func(p []byte) bool { return bytes.Equal(p, picture) })
		if at < 0 {
			t.Fatal("a picture that the stream does not have")
		}
		list = append(list, at)
	}
	return list
}

// wholes requests pictures of the stream's size.
var wholes = decode.Output{Format: decode.RGB24}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
