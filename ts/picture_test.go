package ts_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// segments returns the segments of an HLS recipe.
func segments(t *testing.T, recipe string) (list [][]byte) {
	t.Helper()
	dir := filepath.Dir(testmedia.Make(t, recipe))
	for {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("seg%d.ts", len(list))))
		if errors.Is(err, os.ErrNotExist) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, data)
	}
}

// everyPicture reads segments with one Reader.
func everyPicture(t *testing.T, list ...[]byte) (all []*keyframe.Frame) {
	t.Helper()
	r := ts.NewReader(bytes.NewReader(list[0]), &ts.Options{EveryPicture: true})
	for i := 0; ; {
		f, err := r.Keyframe()
		switch {
		case err == nil:
			all = append(all, f)
		case !errors.Is(err, io.EOF):
			t.Fatal(err)
		default:
			if i++; i == len(list) {
				return all
			}
			r.Continue(bytes.NewReader(list[i]))
		}
	}
}

// TestPictures proves that all pictures of a stream in segments, some of them
// without a keyframe, decode as the stream does, and that none is marked as
// after a gap.
func TestPictures(t *testing.T) {
	for name, list := range map[string][][]byte{
		"hls-ts":      segments(t, "hls-ts"),
		"hls-split":   segments(t, "hls-split"),
		"h265.ts":     {read(t, "h265.ts")},
		"open-gop.ts": {read(t, "open-gop.ts")},
	} {
		var data []byte
		gaps, last := 0, keyframe.NoPTS
		all := everyPicture(t, list...)
		for _, f := range all {
			data = append(data, f.Data...)
			if f.AfterGap {
				gaps++
			}
			if f.PTS == last || f.PTS == keyframe.NoPTS {
				t.Errorf("%s: a picture at %v behind one at %v", name, f.PTS, last)
			}
			last = f.PTS
		}
		got := testmedia.Hashes(t, data, "-f", all[0].Codec.String())
		want := testmedia.Hashes(t, bytes.Join(list, nil))
		if gaps > 0 || len(all) != len(want) || !slices.Equal(got, want) {
			t.Errorf("%s: %d pictures, %d of them after a gap, that decode to %d; want %d", name, len(all), gaps, len(got), len(want))
		}
	}
}

// TestPicturesAfterGap proves that a missing part of a stream shows as a gap.
func TestPicturesAfterGap(t *testing.T) {
	data := read(t, "h264.ts")
	at := videoPackets(data, len(data)/2)
	cut := at[len(at)-1]
	for name, list := range map[string][][]byte{
		"a packet":       {slices.Concat(data[:cut], data[cut+packetSize:])},
		"half a segment": {data[:cut+100], data},
	} {
		gaps := 0
		r := ts.NewReader(bytes.NewReader(list[0]), &ts.Options{EveryPicture: true})
		for {
			f, err := r.Keyframe()
			if err != nil && len(list) > 1 {
				list = list[1:]
				r.Continue(bytes.NewReader(list[0]))
				continue
			}
			if err != nil {
				break
			}
			if f.AfterGap {
				gaps++
			}
		}
		if gaps != 1 {
			t.Errorf("%s: %d pictures after a gap, want 1", name, gaps)
		}
	}
}
