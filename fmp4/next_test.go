package fmp4_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestNext proves that Next returns every keyframe after any time, on the same
// clock, however the file is built.
func TestNext(t *testing.T) {
	for _, file := range files {
		data := read(t, testmedia.Make(t, file.name))
		m := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil)
		var all []*keyframe.Frame
		for {
			f, err := m.Next()
			if err != nil {
				break
			}
			all = append(all, f)
		}
		for from := range all {
			// moof boxes do not have the start from an edit list.
			f, err := m.KeyframeAt(time.Duration(from)*time.Second + 500*time.Millisecond)
			start := m.Start()
			for i := from; i < len(all); i++ {
				if err != nil || !bytes.Equal(f.Data, all[i].Data) || f.PTS != all[i].PTS {
					t.Fatalf("%s, from %d on: not keyframe %d: %v", file.name, from, i, err)
				}
				f, err = m.Next()
			}
			if !errors.Is(err, keyframe.ErrNotFound) || m.Start() != start {
				t.Errorf("%s, behind the last: %v, start %v, was %v", file.name, err, m.Start(), start)
			}
		}
	}
}
