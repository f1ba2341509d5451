package fmp4_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// everyPicture reads segments of one init segment with one Movie.
func everyPicture(t *testing.T, init *fmp4.Init, list ...[]byte) (all []*keyframe.Frame) {
	t.Helper()
	m := fmp4.NewPictures(bytes.NewReader(list[0]), int64(len(list[0])), init)
	for i := 0; ; {
		f, err := m.Keyframe()
		switch {
		case err == nil:
			all = append(all, f)
		case !errors.Is(err, io.EOF):
			t.Fatal(err)
		default:
			if i++; i == len(list) {
				return all
			}
			m.Continue(bytes.NewReader(list[i]), int64(len(list[i])), init)
		}
	}
}

// TestPictures proves that all pictures of a file, or of segments, some of them
// without a keyframe, decode as the stream does.
func TestPictures(t *testing.T) {
	for name, n := range map[string]int{
		"faststart.mp4": 0, "fragmented.mp4": 0, "cmaf-chunks.mp4": 0, "refresh.mp4": 0,
		"hls-fmp4": 6, "hls-split-fmp4": 6, "hls-h265": 4,
	} {
		var init *fmp4.Init
		list := [][]byte{read(t, testmedia.Make(t, name))}
		whole := list[0]
		if n > 0 {
			list, whole = nil, read(t, filepath.Join(filepath.Dir(testmedia.Make(t, name)), "init.mp4"))
		}
		for i := range n {
			in, data := segment(t, name, i)
			if init == nil {
				init = in
			}
			list, whole = append(list, data), append(whole, data...)
		}
		all := everyPicture(t, init, list...)
		var data []byte
		last := keyframe.NoPTS
		for i, f := range all {
			data = append(data, f.Data...)
			if f.AfterGap && i > 0 || f.PTS == last {
				t.Errorf("%s: picture %d at %v is after a gap, or of the time of the one before", name, i, f.PTS)
			}
			last = f.PTS
		}
		got, want := testmedia.Hashes(t, data, "-f", all[0].Codec.String()), testmedia.Hashes(t, whole)
		if len(all) != len(want) || !slices.Equal(got, want) {
			t.Errorf("%s: %d pictures that decode to %d, want %d", name, len(all), len(got), len(want))
		}
	}
}

// TestPicturesAfterGap proves that a segment that was not read to its end
// leaves a gap.
func TestPicturesAfterGap(t *testing.T) {
	init, first := segment(t, "hls-fmp4", 0)
	_, second := segment(t, "hls-fmp4", 1)
	m := fmp4.NewPictures(bytes.NewReader(first), int64(len(first)), init)
	for range 3 {
		if _, err := m.Keyframe(); err != nil {
			t.Fatal(err)
		}
	}
	m.Continue(bytes.NewReader(second), int64(len(second)), init)
	if f, err := m.Keyframe(); err != nil || !f.AfterGap || f.Kind != keyframe.IDR {
		t.Errorf("%+v, %v", f, err)
	}
}
