package keyframe_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// readKeyframes returns the keyframes of a byte stream, and why there are no more.
func readKeyframes(c keyframe.Codec, data []byte) (frames []*keyframe.Frame, err error) {
	b := keyframe.NewByteStream(c)
	b.Push(data)
	for {
		f := b.Next()
		if f == nil {
			f = b.Flush()
		}
		if f == nil {
			return frames, b.NotFound()
		}
		frames = append(frames, f)
	}
}

func mustReadFile(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// intraClips returns the clips of intra pictures and their codecs.
func intraClips() map[string]keyframe.Codec {
	clips := map[string]keyframe.Codec{}
	h265, h264 := testmedia.IntraNames()
	for _, name := range h265 {
		clips[name] = keyframe.H265
	}
	for _, name := range h264 {
		clips[name] = keyframe.H264
	}
	return clips
}

// TestWholePictures: no picture that an encoder made is taken for damaged, whatever
// tools it uses.
func TestWholePictures(t *testing.T) {
	for name, codec := range intraClips() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frames, err := readKeyframes(codec, mustReadFile(t, testmedia.Make(t, name)))
			if len(frames) != 3 {
				t.Errorf("%d keyframes, want 3: %v", len(frames), err)
			}
		})
	}
}

// damages are what happens to the bytes of a slice on the way, without a sign in the
// container.
var damages = map[string]func(slice []byte, at int) []byte{
	"cut short":   func(b []byte, at int) []byte { return b[:at] },
	"dropped":     func(b []byte, at int) []byte { return slices.Concat(b[:at], b[min(at+184, len(b)-1):]) },
	"repeated":    func(b []byte, at int) []byte { return slices.Concat(b[:at], b[max(at-184, 0):]) },
	"overwritten": func(b []byte, at int) []byte { return overwrite(b, at, 0x47) },
	"zeroed":      func(b []byte, at int) []byte { return overwrite(b, at, 0) },
	"prolonged":   func(b []byte, at int) []byte { return slices.Concat(b, b[at:min(at+100, len(b))]) },
}

func overwrite(b []byte, at int, v byte) []byte {
	b = slices.Clone(b)
	for i := at; i < min(at+184, len(b)-1); i++ {
		b[i] = v
	}
	return b
}

// TestDamagedPictures: a picture with a damaged slice is no keyframe, and the next one
// is.
func TestDamagedPictures(t *testing.T) {
	for name, codec := range intraClips() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frames, _ := readKeyframes(codec, mustReadFile(t, testmedia.Make(t, name)))
			random := rand.New(rand.NewPCG(1, 2))
			for damage, apply := range damages {
				if damage == "overwritten" && strings.Contains(name, "cavlc") {
					continue // CAVLC may fall into step again
				}
				for range 3 {
					data := damageSlice(frames[1].Data, codec, random, apply)
					got, _ := readKeyframes(codec, slices.Concat(data, frames[2].Data))
					if len(got) != 1 || !bytes.Equal(got[0].Data, frames[2].Data) {
						t.Errorf("%s: %d keyframes, want the one after it", damage, len(got))
					}
				}
			}
		})
	}
}

// TestDamagedSequence: among every picture, a damaged keyframe is a gap.
func TestDamagedSequence(t *testing.T) {
	frames, _ := readKeyframes(keyframe.H265, mustReadFile(t, testmedia.Make(t, "intra-plain.265")))
	cut := damageSlice(frames[1].Data, keyframe.H265, rand.New(rand.NewPCG(1, 2)), damages["cut short"])

	b := keyframe.NewByteStream(keyframe.H265)
	b.EveryPicture()
	b.Push(slices.Concat(frames[0].Data, cut, frames[2].Data))
	var gaps []bool
	for f := b.Next(); f != nil; f = b.Next() {
		gaps = append(gaps, f.AfterGap)
	}
	gaps = append(gaps, b.Flush().AfterGap)
	if want := []bool{false, true}; !slices.Equal(gaps, want) {
		t.Errorf("pictures after gaps: %v, want %v", gaps, want)
	}
}

// damageSlice applies damage at a random place of one of the slices.
func damageSlice(data []byte, c keyframe.Codec, random *rand.Rand, apply func([]byte, int) []byte) (damaged []byte) {
	var nals [][]byte
	var candidates []int
	for nal := range keyframe.AnnexB(data) {
		if c.IsSlice(nal) {
			candidates = append(candidates, len(nals))
		}
		nals = append(nals, nal)
	}
	chosen := candidates[random.IntN(len(candidates))]
	const header = 40
	slice := nals[chosen]
	nals[chosen] = apply(slice, header+random.IntN(len(slice)-header-1))
	for _, nal := range nals {
		damaged = keyframe.AppendNALU(damaged, nal)
	}
	return damaged
}

// TestForbiddenBytes: bytes that no encoder writes mark a slice of either codec as
// damaged, and those at its end, which are legal, do not.
func TestForbiddenBytes(t *testing.T) {
	for codec, name := range map[keyframe.Codec]string{keyframe.H264: "h264.264", keyframe.H265: "h265.265"} {
		frames, _ := readKeyframes(codec, mustReadFile(t, testmedia.Make(t, name)))
		middle := len(frames[0].Data) - 500
		for _, tt := range []struct {
			bytes []byte
			at    int
			whole bool
		}{
			{[]byte{0, 0, 0, 0x40}, middle, false},
			{[]byte{0, 0, 2}, middle, false},
			{[]byte{0, 0, 3, 4}, middle, false},
			{bytes.Repeat([]byte{0}, 184), middle, false},
			{[]byte{0, 0, 3, 0, 0, 3}, len(frames[0].Data), true}, // cabac_zero_words
			{[]byte{0, 0, 0, 0}, len(frames[0].Data), true},       // trailing_zero_8bits
		} {
			data := slices.Concat(frames[0].Data[:tt.at], tt.bytes, frames[0].Data[min(tt.at+len(tt.bytes), len(frames[0].Data)):])
			got, err := readKeyframes(codec, data)
			if whole := len(got) == 1; whole != tt.whole {
				t.Errorf("%v, % x at %d: whole: %v, %v", codec, tt.bytes, tt.at, whole, err)
			}
		}
	}
}

// TestForbiddenUnit: a unit that no encoder writes, as damage can make one, casts no
// doubt on the codec beyond the next parameter sets.
func TestForbiddenUnit(t *testing.T) {
	frames, _ := readKeyframes(keyframe.H264, mustReadFile(t, testmedia.Make(t, "h264.264")))
	broken := slices.Clone(frames[0].Data)
	copy(broken[len(broken)/2:], []byte{0, 0, 1, 0x9a, 1, 2, 3})

	b := keyframe.NewByteStream(keyframe.H264, keyframe.H265)
	b.Push(slices.Concat(broken, frames[1].Data, frames[2].Data))
	for f := b.Next(); f != nil; f = b.Next() {
		if bytes.Equal(f.Data, frames[1].Data) {
			return
		}
	}
	t.Error("the keyframe after the damaged one did not come")
}

// BenchmarkKeyframe1080p reads keyframes of 1080p at 5 Mbit/s, most of it the check that
// they are whole.
func BenchmarkKeyframe1080p(b *testing.B) {
	for name, codec := range map[string]keyframe.Codec{"1080p.264": keyframe.H264, "1080p.265": keyframe.H265} {
		b.Run(name, func(b *testing.B) {
			frames, err := readKeyframes(codec, mustReadFile(b, testmedia.Make(b, name)))
			if len(frames) == 0 {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(frames[0].Data)))
			for b.Loop() {
				if got, err := readKeyframes(codec, frames[0].Data); len(got) != 1 {
					b.Fatal(err)
				}
			}
		})
	}
}
