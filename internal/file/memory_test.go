package file_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// TestMemoryOfLongPipe proves that data skipped before a keyframe takes no
// memory, whatever its length: reading 200 MB from a pipe allocates as much as
// reading 20 MB.
func TestMemoryOfLongPipe(t *testing.T) {
	keyframes := read(t, "1080p.ts")
	none := testmedia.WithoutKeyframes(keyframes)
	used := func(size int64) (allocated, objects uint64) {
		in := io.MultiReader(testmedia.Repeat(none, size), bytes.NewReader(keyframes))
		s := file.NewStream(in, &file.Options{MaxBytes: 1 << 30})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := s.Keyframe(t.Context())
		runtime.ReadMemStats(&after)
		if err != nil || f.Info.Width != 1920 {
			t.Fatal(f, err)
		}
		return after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs
	}
	short, few := used(20 << 20)
	long, many := used(200 << 20)
	t.Logf("20 MB: %d bytes in %d objects; 200 MB: %d in %d", short, few, long, many)
	if long > 8<<20 {
		t.Errorf("%d bytes allocated", long)
	}
	if long > short+1<<16 || many > few+100 {
		t.Errorf("20 MB: %d bytes in %d objects; 200 MB: %d in %d", short, few, long, many)
	}
}
