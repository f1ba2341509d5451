package decode_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

// everyPicture returns all pictures of a recipe.
func everyPicture(tb testing.TB, name string, c keyframe.Codec) (all []*keyframe.Frame) {
	tb.Helper()
	data, err := os.ReadFile(testmedia.Make(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	asm := keyframe.NewAssembler(c)
	asm.EveryPicture()
	for nalu := range keyframe.AnnexB(data) {
		if f := asm.Push(nalu, keyframe.NoPTS); f != nil {
			all = append(all, f)
		}
	}
	return append(all, asm.Flush())
}

// sequence returns all pictures as a Sequence, and each as ffmpeg decodes it to
// RGB24.
func sequence(tb testing.TB, all []*keyframe.Frame) (*decode.Sequence, [][]byte) {
	tb.Helper()
	s := &decode.Sequence{Codec: all[0].Codec, Info: all[0].Info}
	for _, f := range all {
		s.Data = append(s.Data, f.Data)
	}
	return s, pictures(tb, bytes.Join(s.Data, nil), s.Codec, 3*s.Info.Width*s.Info.Height)
}

func pictures(tb testing.TB, data []byte, c keyframe.Codec, size int) [][]byte {
	tb.Helper()
	raw := ffmpeg(tb, data, "-f", c.String(), "-i", "pipe:0", "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1")
	return slices.Collect(slices.Chunk(raw, size))
}

// TestDecodeSequence proves that exactly the requested pictures are written.
func TestDecodeSequence(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec keyframe.Codec
	}{
		{"h264.264", keyframe.H264},
		{"h265.265", keyframe.H265},
		{"open-gop.264", keyframe.H264},
		{"cra.265", keyframe.H265},
		{"live-slices.264", keyframe.H264},
		{"refresh.264", keyframe.H264},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, want := sequence(t, everyPicture(t, c.name, c.codec))
			if len(want) != len(s.Data) {
				t.Fatalf("ffmpeg makes %d pictures of %d", len(want), len(s.Data))
			}
			last := len(s.Data) - 1
			everything := make([]int, len(s.Data))
			for i := range everything {
				everything[i] = i
			}
			for _, s.Show = range [][]int{everything, {0}, {last}, {1, 2, 3}, {0, 5, 5, last - 1}, {last / 2, last, last}} {
				var got bytes.Buffer
				if err := new(decode.Decoder).DecodeSequence(t.Context(), &got, s, decode.Output{Format: decode.RGB24}); err != nil {
					t.Fatal(err)
				}
				for i, picture := range slices.Collect(slices.Chunk(got.Bytes(), len(want[0]))) {
					if !bytes.Equal(picture, want[s.Show[i]]) {
						t.Errorf("%v: picture %d is another one", s.Show, i)
					}
				}
				if got.Len() != len(s.Show)*len(want[0]) {
					t.Errorf("%v: %d bytes", s.Show, got.Len())
				}
			}
		})
	}
}

// TestDecodeBGR24 proves that BGR24 is RGB24 in reverse order.
func TestDecodeBGR24(t *testing.T) {
	s, _ := sequence(t, everyPicture(t, "h264.264", keyframe.H264)[:4])
	s.Show = []int{0, 3}
	var rgb, bgr bytes.Buffer
	o := decode.Output{Format: decode.RGB24, Width: 64, Height: 48}
	err := new(decode.Decoder).DecodeSequence(t.Context(), &rgb, s, o)
	o.Format = decode.BGR24
	err = errors.Join(err, new(decode.Decoder).DecodeSequence(t.Context(), &bgr, s, o))
	for pixel := range slices.Chunk(bgr.Bytes(), 3) {
		slices.Reverse(pixel)
	}
	if err != nil || rgb.Len() != 2*3*64*48 || psnr(rgb.Bytes(), bgr.Bytes()) < 45 {
		t.Errorf("%d bytes and %d, %v", rgb.Len(), bgr.Len(), err)
	}
}

// TestDecodeSequenceFromAnywhere starts at each random access picture and skips
// its leading pictures. The requested pictures must be those that the whole
// stream shows.
func TestDecodeSequenceFromAnywhere(t *testing.T) {
	for _, name := range []string{"open-gop.ts", "h265.ts"} {
		all := timed(t, name)
		_, want := sequence(t, all)
		inOrder := slices.SortedFunc(slices.Values(all), func(a, b *keyframe.Frame) int { return cmp.Compare(a.PTS, b.PTS) })
		starts := 0
		for i, start := range all {
			if start.Kind == keyframe.UnknownKind || start.Kind == keyframe.Intra {
				continue
			}
			starts++
			s := &decode.Sequence{Codec: start.Codec, Info: start.Info}
			for _, f := range all[i:] {
				if f.PTS >= start.PTS {
					s.Data = append(s.Data, f.Data)
				}
			}
			s.Show = []int{0, len(s.Data) / 2, len(s.Data) - 1}
			var got bytes.Buffer
			if err := new(decode.Decoder).DecodeSequence(t.Context(), &got, s, decode.Output{Format: decode.RGB24}); err != nil {
				t.Fatalf("%s from picture %d, %v: %v", name, i, start.Kind, err)
			}
			first := slices.Index(inOrder, start)
			for k, picture := range slices.Collect(slices.Chunk(got.Bytes(), len(want[0]))) {
				if !bytes.Equal(picture, want[first+s.Show[k]]) {
					t.Errorf("%s from picture %d, %v: picture %d is another one", name, i, start.Kind, s.Show[k])
				}
			}
		}
		if starts < 3 {
			t.Errorf("%s: %d pictures to start from", name, starts)
		}
	}
}

// timed returns all pictures of a transport stream.
func timed(t *testing.T, name string) (all []*keyframe.Frame) {
	t.Helper()
	data, err := os.ReadFile(testmedia.Make(t, name))
	if err != nil {
		t.Fatal(err)
	}
	r := ts.NewReader(bytes.NewReader(data), &ts.Options{EveryPicture: true})
	for {
		f, err := r.Keyframe()
		if err != nil {
			return all
		}
		all = append(all, f)
	}
}

func TestDecodeSequenceRefuses(t *testing.T) {
	s, _ := sequence(t, everyPicture(t, "h264.264", keyframe.H264)[:9])
	good := decode.Output{Format: decode.RGB24}
	d := new(decode.Decoder)
	for name, c := range map[string]struct {
		change func(*decode.Sequence)
		output decode.Output
		want   error
	}{
		"no picture":       {func(s *decode.Sequence) { s.Show = nil }, good, keyframe.ErrCorrupt},
		"beyond the last":  {func(s *decode.Sequence) { s.Show = []int{9} }, good, keyframe.ErrCorrupt},
		"not in order":     {func(s *decode.Sequence) { s.Show = []int{2, 1} }, good, keyframe.ErrCorrupt},
		"JPEG":             {nil, decode.Output{}, keyframe.ErrUnsupported},
		"codec":            {func(s *decode.Sequence) { s.Codec = keyframe.JPEG }, good, keyframe.ErrUnsupported},
		"too large":        {func(s *decode.Sequence) { s.Show = make([]int, 900) }, good, keyframe.ErrUnsupported},
		"one picture less": {func(s *decode.Sequence) { s.Data = append(s.Data[:5:5], nil) }, good, keyframe.ErrCorrupt},
		"one more":         {func(s *decode.Sequence) { s.Data = append(s.Data[:4:4], bytes.Join(s.Data[4:6], nil)) }, good, keyframe.ErrCorrupt},
		"noise":            {func(s *decode.Sequence) { s.Data = [][]byte{make([]byte, 5000)}; s.Show = []int{0} }, good, keyframe.ErrCorrupt},
	} {
		changed := *s
		changed.Show = []int{1}
		if c.change != nil {
			c.change(&changed)
		}
		var w bytes.Buffer
		if err := d.DecodeSequence(t.Context(), &w, &changed, c.output); !errors.Is(err, c.want) || w.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, w.Len())
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	s.Show = []int{0}
	if err := d.DecodeSequence(ctx, new(bytes.Buffer), s, good); !errors.Is(err, cause) {
		t.Error(err)
	}
}
