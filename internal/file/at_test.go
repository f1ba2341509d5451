package file_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// TestAtOutside proves that a time that a recording does not have is refused, with the
// recording's length.
func TestAtOutside(t *testing.T) {
	for _, tt := range []struct {
		recipe string
		at     time.Duration
		want   string
	}{
		{"h264.ts", time.Hour, "1h from the start is outside of the recording, which is 3.96s long"},
		{"h264.ts", -time.Hour, "1h before the end is outside of the recording, which is 3.96s long"},
		{"wrap.ts", time.Hour, "1h from the start is outside of the recording, which is 7.96s long"},
		{"5mbit.ts", 62 * time.Second, "1m2s from the start is outside of the recording, which is 59.96s long"},
		{"5mbit.ts", -62 * time.Second, "1m2s before the end is outside of the recording, which is 59.96s long"},
		{"faststart.mp4", 6 * time.Second, "6s from the start is outside of the recording, which is 4s long"},
		{"moov-last.mp4", -6 * time.Second, "6s before the end is outside of the recording, which is 4s long"},
		{"fragmented.mp4", time.Hour, "1h from the start is outside of the recording, which is 4s long"},
		{"dash-sidx.mp4", 12 * time.Second, "12s from the start is outside of the recording, which is 10s long"},
		{"dash-sidx.mp4", -12 * time.Second, "12s before the end is outside of the recording, which is 10s long"},
	} {
		var refused *sourcekind.Error
		_, err := file.Open(testmedia.Make(t, tt.recipe), &file.Options{At: tt.at}).Keyframe(t.Context())
		if !errors.As(err, &refused) || refused.Option != "At" || err.Error() != tt.want {
			t.Errorf("%s at %v: %v", tt.recipe, tt.at, err)
		}
	}
}

// TestAtBeforeEnd proves that a negative time counts from the end. GOPs last a second.
func TestAtBeforeEnd(t *testing.T) {
	for _, recipe := range []string{"h264.ts", "wrap.ts", "5mbit.ts", "moov-last.mp4", "fragmented.mp4", "dash-sidx.mp4"} {
		path := testmedia.Make(t, recipe)
		last := grab(t, file.Open(path, &file.Options{At: -time.Millisecond}))
		earlier := grab(t, file.Open(path, &file.Options{At: -2500 * time.Millisecond}))
		if d := (last.PTS - earlier.PTS).Round(time.Millisecond); d != 2*time.Second {
			t.Errorf("%s: the keyframe 2.5 s before the end is %v before the last", recipe, d)
		}
	}
}

// TestAtBeforeEndOfPipe proves that a pipe is not read to its end for a time before it.
func TestAtBeforeEndOfPipe(t *testing.T) {
	pipe := &countingReader{r: bytes.NewReader(read(t, "5mbit.ts"))}
	_, err := file.NewStream(pipe, &file.Options{At: -time.Second}).Keyframe(t.Context())
	var refused *sourcekind.Error
	if !errors.As(err, &refused) || pipe.n > 1<<20 {
		t.Errorf("%v, after %d bytes", err, pipe.n)
	}
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
