package keyframe_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// unreordered removes the reordering, and checks that the set describes the
// same pictures as before.
func unreordered(t *testing.T, sps []byte) []byte {
	t.Helper()
	before, err := keyframe.ParseInfo(keyframe.H264, sps)
	if err != nil {
		t.Fatal(err)
	}
	out, err := keyframe.WithoutReordering(sps)
	if err != nil {
		t.Fatal(err)
	}
	after, err := keyframe.ParseInfo(keyframe.H264, out)
	if before.Primaries == 0 { // without a VUI the colours were not even unspecified
		before.Primaries, before.Transfer, before.Matrix = after.Primaries, after.Transfer, after.Matrix
	}
	if err != nil || before != after {
		t.Errorf("%x tells %+v,\n%x tells %+v, %v", sps, before, out, after, err)
	}
	return out
}

func TestWithoutReordering(t *testing.T) {
	for _, name := range []string{"h264.264", "10bit.264", "bt709-full.264", "sar43.264", "camera.264"} {
		for sps := range keyframe.AnnexB(first(keyframe.H264, read(t, name), 1<<20).Data) {
			if sps[0]&0x1f != 7 {
				continue
			}
			out := unreordered(t, sps)
			if bytes.Equal(out, sps) && name == "h264.264" {
				t.Errorf("%s: nothing was changed of a stream with B pictures", name)
			}
			if again, err := keyframe.WithoutReordering(out); err != nil || !bytes.Equal(again, out) {
				t.Errorf("%s: %x again is %x, %v", name, out, again, err)
			}
		}
	}
}

func TestWithoutReorderingBad(t *testing.T) {
	sps := []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8}
	for _, bad := range [][]byte{nil, sps[:6], sps[:9]} {
		if out, err := keyframe.WithoutReordering(bad); !errors.Is(err, keyframe.ErrCorrupt) || out != nil {
			t.Errorf("%x: %x, %v", bad, out, err)
		}
	}
}

func FuzzWithoutReordering(f *testing.F) {
	f.Add([]byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8})
	f.Add([]byte{0x67, 100, 0, 31, 0xac, 0xd9, 0x40, 0x50, 5, 0xbb})
	f.Fuzz(func(t *testing.T, sps []byte) {
		if _, err := keyframe.WithoutReordering(sps); err == nil {
			unreordered(t, sps)
		}
	})
}
