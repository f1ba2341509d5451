package keyframe_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// streams are the byte streams of the recipes, with descriptions of their first
// keyframe.
var streams = []struct {
	name  string
	codec keyframe.Codec
	kind  keyframe.Kind
	width int
}{
	{"h264.264", keyframe.H264, keyframe.IDR, 640},
	{"h265.265", keyframe.H265, keyframe.IDR, 640},
	{"sar43.264", keyframe.H264, keyframe.IDR, 640},
	{"10bit.264", keyframe.H264, keyframe.IDR, 640},
	{"10bit.265", keyframe.H265, keyframe.IDR, 640},
}

func TestByteStreamKinds(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			f := first(s.codec, read(t, s.name), 4096)
			if f == nil {
				t.Fatal("no keyframe")
			}
			if f.Kind != s.kind || f.Info.Width != s.width || f.Pictures != 1 {
				t.Errorf("got %v, %d wide, of %d pictures", f.Kind, f.Info.Width, f.Pictures)
			}
		})
	}
}

// TestCutsDoNotMatter proves that a stream gives the same frames however it is
// cut, and that they equal those of whole NAL units.
func TestCutsDoNotMatter(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			data := read(t, s.name)
			want := pushed(s.codec, data)
			if len(want) == 0 {
				t.Fatal("no keyframe")
			}
			for _, n := range []int{1, 2, 3, 5, 63, 64, 65, 184, 997, len(data)} {
				if got := fed(s.codec, data, n); !sameFrames(got, want) {
					t.Errorf("pieces of %d bytes: %d frames, or other ones than the %d of whole NAL units", n, len(got), len(want))
				}
			}
		})
	}
}

// TestJoinInMidstream proves that a stream joined in the middle of a GOP gives
// its next keyframe.
func TestJoinInMidstream(t *testing.T) {
	for _, s := range []struct {
		name  string
		codec keyframe.Codec
	}{{"h264.264", keyframe.H264}, {"h265.265", keyframe.H265}} {
		all := pushed(s.codec, read(t, s.name))
		data := read(t, s.name)
		second := bytes.Index(data, all[1].Data[len(all[1].Data)-200:])
		f := first(s.codec, data[len(all[0].Data)+100:second+400], 512)
		if f == nil || !bytes.Equal(f.Data, all[1].Data) {
			t.Errorf("%s: not the second keyframe", s.name)
		}
	}
}

// TestLossDiscardsTheKeyframe proves that a loss in the middle of a keyframe
// drops all of it.
func TestLossDiscardsTheKeyframe(t *testing.T) {
	for _, s := range []struct {
		name  string
		codec keyframe.Codec
	}{{"h264.264", keyframe.H264}, {"h265.265", keyframe.H265}} {
		data := read(t, s.name)
		all := pushed(s.codec, data)
		b := keyframe.NewByteStream(s.codec)
		half := len(all[0].Data) / 2
		b.Push(data[:half])
		if b.Next() != nil {
			t.Fatal("a frame of half the bytes")
		}
		b.Lose()
		b.Push(data[half+300:])
		got := b.Next()
		if got == nil || !bytes.Equal(got.Data, all[1].Data) {
			t.Errorf("%s: not the second keyframe", s.name)
		}
	}
}

// TestWithoutIDR finds recovery points, lone intra pictures and gradual
// refreshes in a stream without its IDR pictures.
func TestWithoutIDR(t *testing.T) {
	tests := []struct {
		name    string
		recipe  string
		dropSEI bool
		want    keyframe.Kind
	}{
		{"open GOP", "open-gop.264", false, keyframe.RecoveryPoint},
		{"open GOP without recovery points", "open-gop.264", true, keyframe.Intra},
		{"gradual refresh", "refresh.264", false, keyframe.GradualRefresh},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := keyframe.NewAssembler(keyframe.H264)
			var got *keyframe.Frame
			for nalu := range keyframe.AnnexB(read(t, test.recipe)) {
				if kind := nalu[0] & 0x1f; kind == 5 || kind == 6 && test.dropSEI {
					continue
				}
				if got = a.Push(nalu, keyframe.NoPTS); got != nil {
					break
				}
			}
			if got == nil {
				got = a.Flush()
			}
			if got == nil {
				t.Fatal(a.NotFound())
			}
			if got.Kind != test.want {
				t.Fatalf("got %v, want %v", got.Kind, test.want)
			}
			if test.want == keyframe.GradualRefresh && got.Pictures < 10 {
				t.Errorf("a refresh of %d pictures", got.Pictures)
			}
			if test.want != keyframe.GradualRefresh && frameMD5(t, got) == "no picture" {
				t.Error("ffmpeg decodes no picture")
			}
		})
	}
}

// TestGradualRefreshIsClean proves that the last picture of a gradual refresh
// is the one that the whole stream shows.
func TestGradualRefreshIsClean(t *testing.T) {
	data := read(t, "refresh.264")
	a := keyframe.NewAssembler(keyframe.H264)
	pictures := 0
	for nalu := range keyframe.AnnexB(data) {
		kind := nalu[0] & 0x1f
		var f *keyframe.Frame
		if kind != 5 {
			f = a.Push(nalu, keyframe.NoPTS)
		}
		if f == nil {
			if kind == 1 || kind == 5 {
				pictures++
			}
			continue
		}
		got, want := allMD5(t, f.Data), allMD5(t, data)
		if got[len(got)-1] != want[pictures-1] {
			t.Errorf("picture %d differs from that of the whole stream", pictures)
		}
		return
	}
	t.Fatal("no keyframe")
}

func TestParameterSetsFromOutside(t *testing.T) {
	tests := []struct {
		recipe string
		codec  keyframe.Codec
		isSet  func([]byte) bool
	}{
		{"h264.264", keyframe.H264, func(n []byte) bool { k := n[0] & 0x1f; return k == 7 || k == 8 }},
		{"h265.265", keyframe.H265, func(n []byte) bool { k := n[0] >> 1; return k >= 32 && k <= 34 }},
	}
	for _, test := range tests {
		var sets [][]byte
		without, with := keyframe.NewAssembler(test.codec), keyframe.NewAssembler(test.codec)
		data := read(t, test.recipe)
		for nalu := range keyframe.AnnexB(data) {
			if test.isSet(nalu) {
				sets = append(sets, nalu)
			}
		}
		with.AddParameterSets(sets...)
		var got *keyframe.Frame
		for nalu := range keyframe.AnnexB(data) {
			if test.isSet(nalu) {
				continue
			}
			if f := without.Push(nalu, 0); f != nil {
				t.Fatalf("%s: a frame without parameter sets", test.recipe)
			}
			if f := with.Push(nalu, 0); f != nil && got == nil {
				got = f
			}
		}
		if f := without.Flush(); f != nil {
			t.Fatalf("%s: a frame without parameter sets at the end", test.recipe)
		}
		if err := without.NotFound(); !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), "parameter sets") {
			t.Errorf("%s: %v does not tell of the parameter sets", test.recipe, err)
		}
		if want := pushed(test.codec, data)[0]; got == nil || frameMD5(t, got) != frameMD5(t, want) {
			t.Errorf("%s: another picture with the sets from outside", test.recipe)
		}
	}
}

// TestMissingVPS proves that H.265 without its video parameter set is no
// keyframe. Decoders refuse it.
func TestMissingVPS(t *testing.T) {
	a := keyframe.NewAssembler(keyframe.H265)
	for nalu := range keyframe.AnnexB(read(t, "h265.265")) {
		if nalu[0]>>1 == 32 {
			continue
		}
		if f := a.Push(nalu, 0); f != nil {
			t.Fatal("a frame without its video parameter set")
		}
	}
	if f := a.Flush(); f != nil {
		t.Fatal("a frame without its video parameter set at the end")
	}
	if err := a.NotFound(); !strings.Contains(err.Error(), "parameter sets") {
		t.Errorf("%v does not tell of the parameter sets", err)
	}
}

// TestEndAccessUnit proves that EndAccessUnit returns the access unit before
// the next one begins.
func TestEndAccessUnit(t *testing.T) {
	data := read(t, "h264.264")
	want := pushed(keyframe.H264, data)[0]
	a := keyframe.NewAssembler(keyframe.H264)
	for nalu := range keyframe.AnnexB(data) {
		if f := a.Push(nalu, 7*time.Second); f != nil {
			t.Fatal("a frame before its end was told")
		}
		if nalu[0]&0x1f == 5 {
			break
		}
	}
	f := a.EndAccessUnit()
	if f == nil || !bytes.Equal(f.Data, want.Data) || f.PTS != 7*time.Second {
		t.Fatalf("got %+v", f)
	}
}

// FuzzByteStream checks that every byte of a frame was in the input, that cuts
// do not matter, and that kept data stays in proportion to the input.
func FuzzByteStream(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0x67, 0x42, 0, 0x0a, 0xf8, 0x41, 0xa2, 0, 0, 1, 0x68, 0xce, 0x38, 0x80, 0, 0, 1, 0x65, 0x88, 0x84, 0, 0x10}, 3)
	f.Add([]byte{0, 0, 0, 1, 0x40, 1, 0x0c, 0, 0, 1, 0x42, 1, 1, 0, 0, 1, 0x26, 1, 0xaf}, 1)
	f.Add([]byte{0, 0, 1, 6, 6, 1, 0xc4, 0x80, 0, 0, 1, 0, 0, 1, 0xff, 0, 0, 0, 0, 1}, 2)
	for _, name := range []string{"h264.264", "h265.265"} {
		if path, err := testmedia.Path(name); err == nil {
			if data, err := os.ReadFile(path); err == nil {
				f.Add(data[:min(len(data), 1200)], 184)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		for _, c := range []keyframe.Codec{keyframe.H264, keyframe.H265} {
			whole := fed(c, data, max(len(data), 1))
			if cut := fed(c, data, max(1, n&0x3ff)); !sameFrames(cut, whole) {
				t.Fatalf("%v: %d frames in pieces, %d in one, or others", c, len(cut), len(whole))
			}
			for _, frame := range whole {
				for nalu := range keyframe.AnnexB(frame.Data) {
					if !bytes.Contains(data, nalu) {
						t.Fatalf("%v: a NAL unit that was not in the input", c)
					}
				}
				if frame.Kind == keyframe.UnknownKind || frame.Info.Width < 1 || frame.Info.Height < 1 {
					t.Fatalf("%v: frame %v of %dx%d", c, frame.Kind, frame.Info.Width, frame.Info.Height)
				}
			}
		}
	})
}

func BenchmarkByteStream(b *testing.B) {
	for _, s := range []struct {
		name  string
		codec keyframe.Codec
	}{{"1080p.264", keyframe.H264}, {"noise4mb.264", keyframe.H264}} {
		path, err := testmedia.Path(s.name)
		if err != nil {
			b.Skip(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				fed(s.codec, data, 184)
			}
		})
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(testmedia.Make(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pushed returns the frames of whole NAL units.
func pushed(c keyframe.Codec, data []byte) (frames []*keyframe.Frame) {
	a := keyframe.NewAssembler(c)
	for nalu := range keyframe.AnnexB(data) {
		if f := a.Push(nalu, keyframe.NoPTS); f != nil {
			frames = append(frames, f)
		}
	}
	for f := a.Flush(); f != nil; f = a.Flush() {
		frames = append(frames, f)
	}
	return frames
}

// fed returns the frames of data fed in pieces of n bytes.
func fed(c keyframe.Codec, data []byte, n int) (frames []*keyframe.Frame) {
	b := keyframe.NewByteStream(c)
	for piece := range slices.Chunk(data, n) {
		b.Push(piece)
		for f := b.Next(); f != nil; f = b.Next() {
			frames = append(frames, f)
		}
	}
	for f := b.Flush(); f != nil; f = b.Flush() {
		frames = append(frames, f)
	}
	return frames
}

func sameFrames(a, b []*keyframe.Frame) bool {
	return slices.EqualFunc(a, b, func(f, g *keyframe.Frame) bool {
		return f.Kind == g.Kind && f.Pictures == g.Pictures && bytes.Equal(f.Data, g.Data)
	})
}
