package ts_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// TestNext proves that Next, after a search by time, returns the keyframes that
// follow in the stream, and rereads little.
func TestNext(t *testing.T) {
	for _, name := range []string{"h264.ts", "open-gop.ts", "h265.ts", "5mbit.ts"} {
		src := &file{data: read(t, name)}
		all := keyframes(src.data, nil)
		for _, at := range []time.Duration{0, 1500 * time.Millisecond, 31 * time.Second, time.Hour} {
			r := ts.NewRecording(src, int64(len(src.data)), nil)
			f, err := r.KeyframeAt(at)
			from := 0
			for i, k := range all {
				if k.at <= at {
					from = i
				}
			}
			src.n = 0
			for i := from; i < len(all); i++ {
				if err != nil || !bytes.Equal(f.Data, all[i].Data) {
					t.Fatalf("%s, from %v on: not keyframe %d: %v", name, at, i, err)
				}
				f, err = r.Next()
			}
			if !errors.Is(err, keyframe.ErrNotFound) {
				t.Errorf("%s, behind the last: %v", name, err)
			}
			if rest := len(src.data) * (len(all) - from) / len(all); src.n > rest+1<<20 {
				t.Errorf("%s, from %v on: %d bytes read for %d", name, at, src.n, rest)
			}
		}
	}
}
