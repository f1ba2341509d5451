package keyframe_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// TestMangledSets proves that a keyframe whose parameter sets do not parse, or are
// missing, is none, and that those after it are found.
func TestMangledSets(t *testing.T) {
	fill := func(b byte) func([]byte) []byte {
		return func(set []byte) []byte {
			return slices.Concat(set[:2], bytes.Repeat([]byte{b}, len(set)-2))
		}
	}
	mangled := map[string]func([]byte) []byte{
		"missing":    func([]byte) []byte { return nil },
		"two bytes":  func(set []byte) []byte { return set[:2] },
		"head alone": func(set []byte) []byte { return set[:3] },
		"zeros":      fill(0x01),
		"ones":       fill(0xff),
		"other type": func(set []byte) []byte { return append([]byte{0x0c}, set[1:]...) },
	}

	for _, s := range []struct {
		name  string
		codec keyframe.Codec
		sets  map[string]func([]byte) bool
	}{
		{"live-slices.264", keyframe.H264, map[string]func([]byte) bool{"SPS": keyframe.H264.IsSPS, "PPS": keyframe.H264.IsPPS}},
		{"live.265", keyframe.H265, map[string]func([]byte) bool{"VPS": keyframe.H265.IsVPS, "SPS": keyframe.H265.IsSPS, "PPS": keyframe.H265.IsPPS}},
	} {
		data := read(t, s.name)
		want := pushed(s.codec, data)
		for set, isSet := range s.sets {
			for how, mangle := range mangled {
				var stream []byte
				first := true
				for nalu := range keyframe.AnnexB(data) {
					if first && isSet(nalu) {
						first = false
						nalu = mangle(nalu)
					}
					stream = keyframe.AppendNALU(stream, nalu)
				}
				if got := pushed(s.codec, stream); !sameFrames(got, want[1:]) {
					t.Errorf("%s, %s %s: %d keyframes, or others than the last %d", s.name, set, how, len(got), len(want)-1)
				}
			}
		}
	}
}

// TestSlicesReferToSets proves that whatever bytes of the sets are wrong, the sets of a
// keyframe parse and its slices refer to them.
func TestSlicesReferToSets(t *testing.T) {
	for _, s := range []struct {
		name  string
		codec keyframe.Codec
	}{{"live.264", keyframe.H264}, {"live.265", keyframe.H265}} {
		units := slices.Collect(keyframe.AnnexB(read(t, s.name)))
		for n, unit := range units[:8] {
			if !s.codec.IsParameterSet(unit) {
				continue
			}
			for bit := range len(unit) * 8 {
				wrong := bytes.Clone(unit)
				wrong[bit/8] ^= 1 << (bit % 8)
				a := keyframe.NewAssembler(s.codec)
				for i, nalu := range units[:12] {
					if i == n {
						nalu = wrong
					}
					a.Push(nalu, keyframe.NoPTS)
				}
				if f := a.EndAccessUnit(); f != nil {
					checkSets(t, f)
				}
			}
		}
	}
}

// checkSets checks that a frame begins with sets that another Assembler accepts, and
// finds the frame with.
func checkSets(t *testing.T, f *keyframe.Frame) {
	t.Helper()
	again := pushed(f.Codec, f.Data)
	if len(again) != 1 || !bytes.Equal(again[0].Data, f.Data) || again[0].Info != f.Info {
		t.Errorf("a frame of %v that is none by itself", f.Codec)
	}
}
