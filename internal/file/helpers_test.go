package file_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTime ends a test that hangs.
const testTime = 30 * time.Second

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func read(t *testing.T, recipe string) []byte {
	t.Helper()
	data, err := os.ReadFile(testmedia.Make(t, recipe))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// grab takes one keyframe and closes the source.
func grab(t *testing.T, s *file.Source) *keyframe.Frame {
	t.Helper()
	defer s.Close()
	f, err := s.Keyframe(within(t, testTime))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// same fails if two keyframes of a stream differ.
func same(t *testing.T, what string, got, want *keyframe.Frame) {
	t.Helper()
	if got.Codec != want.Codec || got.PTS != want.PTS || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("%s: %v of %d bytes at %v, want %v of %d bytes at %v", what,
			got.Kind, len(got.Data), got.PTS, want.Kind, len(want.Data), want.PTS)
	}
}

// onlyReader hides all methods but Read.
type onlyReader struct{ io.Reader }

// pipe returns both ends of a pipe of the operating system.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// feed writes data to w in the background and closes it. The test ends after
// that.
func feed(t *testing.T, w io.WriteCloser, data []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.Close()
		io.Copy(w, bytes.NewReader(data)) // the reader may stop early
	}()
	t.Cleanup(func() {
		w.Close()
		<-done
	})
}

// known reports whether err is of a kind that Keyframe promises for bad data.
func known(err error) bool {
	return errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, keyframe.ErrCorrupt) || errors.Is(err, keyframe.ErrUnsupported)
}
