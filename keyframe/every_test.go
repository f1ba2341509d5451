package keyframe_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// everyPicture feeds data in pieces of n bytes and returns all pictures.
func everyPicture(c keyframe.Codec, data []byte, n int) (all []*keyframe.Frame) {
	b := keyframe.NewByteStream(c)
	b.EveryPicture()
	for piece := range slices.Chunk(data, n) {
		b.Push(piece)
		for f := b.Next(); f != nil; f = b.Next() {
			all = append(all, f)
		}
	}
	for f := b.Flush(); f != nil; f = b.Flush() {
		all = append(all, f)
	}
	return all
}

func joined(all []*keyframe.Frame) []byte {
	var data []byte
	for _, f := range all {
		data = append(data, f.Data...)
	}
	return data
}

// TestEveryPicture proves that all pictures of a stream, joined, decode as the
// stream does. The random access pictures among them are those that an
// Assembler returns by default.
func TestEveryPicture(t *testing.T) {
	for _, s := range []struct {
		name  string
		codec keyframe.Codec
	}{
		{"h264.264", keyframe.H264},
		{"live-slices.264", keyframe.H264},
		{"open-gop.264", keyframe.H264},
		{"refresh.264", keyframe.H264},
		{"h265.265", keyframe.H265},
		{"cra.265", keyframe.H265},
	} {
		t.Run(s.name, func(t *testing.T) {
			data := read(t, s.name)
			all := everyPicture(s.codec, data, 1009)
			want := md5s(s.codec, data)
			if got := md5s(s.codec, joined(all)); len(want) == 0 || !slices.Equal(got, want) || len(all) != len(want) {
				t.Errorf("%d pictures that decode to %d, want %d, and the same", len(all), len(got), len(want))
			}
			keys := pushed(s.codec, data)
			for i, f := range all {
				if f.AfterGap {
					t.Errorf("picture %d is after a gap", i)
				}
				if f.Kind == keyframe.UnknownKind || f.Kind == keyframe.Intra {
					continue
				}
				if len(keys) == 0 || keys[0].Kind != f.Kind || keys[0].Pictures != f.Pictures || keys[0].Info != f.Info ||
					!bytes.HasSuffix(keys[0].Data, f.Data[len(f.Data)-64:]) {
					t.Fatalf("picture %d, of kind %v, is none of the keyframes, or not the next", i, f.Kind)
				}
				keys = keys[1:]
			}
			if len(keys) > 0 {
				t.Errorf("%d keyframes are missing", len(keys))
			}
		})
	}
}

// TestEveryPictureDisposable proves that the other pictures decode the same
// without the disposable ones.
func TestEveryPictureDisposable(t *testing.T) {
	for _, name := range []string{"h264.264", "open-gop.264"} {
		all := everyPicture(keyframe.H264, read(t, name), 1<<20)
		kept := slices.DeleteFunc(slices.Clone(all), func(f *keyframe.Frame) bool { return f.Disposable })
		whole := md5s(keyframe.H264, joined(all))
		got := md5s(keyframe.H264, joined(kept))
		if len(kept) > len(all)*3/4 || len(got) != len(kept) {
			t.Errorf("%s: %d pictures of %d, which decode to %d", name, len(kept), len(all), len(got))
		}
		for _, sum := range got { // in the order of the whole stream
			at := slices.Index(whole, sum)
			if at < 0 {
				t.Fatalf("%s: another picture", name)
			}
			whole = whole[at+1:]
		}
	}
}

// TestEveryPictureFromKeyframes proves that a decoder can start at each IDR
// picture.
func TestEveryPictureFromKeyframes(t *testing.T) {
	for _, s := range []struct {
		name  string
		codec keyframe.Codec
	}{{"h264.264", keyframe.H264}, {"h265.265", keyframe.H265}} {
		all := everyPicture(s.codec, read(t, s.name), 1<<20)
		want := md5s(s.codec, read(t, s.name))
		for i, f := range all {
			if f.Kind == keyframe.IDR && !slices.Equal(md5s(s.codec, joined(all[i:])), want[i:]) {
				t.Errorf("%s: from picture %d on it decodes otherwise", s.name, i)
			}
		}
	}
}

// TestEveryPictureAfterLoss proves that a loss costs only the picture that it
// hits, and that the next one is marked as after a gap.
func TestEveryPictureAfterLoss(t *testing.T) {
	data := read(t, "h264.264")
	whole := everyPicture(keyframe.H264, data, 1<<20)
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(1, len(data)-2).Draw(t, "cut")
		b := keyframe.NewByteStream(keyframe.H264)
		b.EveryPicture()
		var all []*keyframe.Frame
		feed := func(p []byte) {
			b.Push(p)
			for f := b.Next(); f != nil; f = b.Next() {
				all = append(all, f)
			}
		}
		feed(data[:cut])
		b.Lose()
		feed(data[cut+1:])
		for f := b.Flush(); f != nil; f = b.Flush() {
			all = append(all, f)
		}
		if cut < len(whole[0].Data) {
			return // the loss hit the parameter sets or the first picture
		}
		gaps := 0
		for _, f := range all {
			if f.AfterGap {
				gaps++
			}
		}
		last := len(all) > 0 && bytes.Equal(all[len(all)-1].Data, whole[len(whole)-1].Data)
		if len(all) < len(whole)-2 || len(all) > len(whole) || gaps != 1 && last {
			t.Fatalf("%d pictures of %d, %d of them after a gap", len(all), len(whole), gaps)
		}
	})
}

// TestCorpusEveryPicture proves that the pictures of every small raw stream of
// the corpus, joined, decode as the stream does.
func TestCorpusEveryPicture(t *testing.T) {
	const small = 64 << 10 // bytes; the corpus has enough streams of this size
	for _, file := range testmedia.MustCorpus(t, "annexb") {
		data, err := os.ReadFile(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		c := keyframe.H264
		if file.Codec == "hevc" {
			c = keyframe.H265
		}
		if len(data) > small || file.Expect != "picture" {
			continue
		}
		if got, want := md5s(c, joined(everyPicture(c, data, 997))), md5s(c, data); !slices.Equal(got, want) {
			t.Errorf("%s: %d pictures, want %d, and the same", file.Name, len(got), len(want))
		}
	}
}
