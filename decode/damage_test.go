package decode_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// damages are kinds of damage in transit to an access unit. at lies in its
// slices.
var damages = []struct {
	name string
	do   func(data []byte, at, bit int) []byte
}{
	{"truncated", func(b []byte, at, _ int) []byte { return b[:at] }},
	{"bit flipped", func(b []byte, at, bit int) []byte { b[at] ^= 1 << bit; return b }},
	{"packet lost", func(b []byte, at, _ int) []byte { return append(b[:at], b[min(len(b), at+184):]...) }},
}

// TestDamage proves that a damaged access unit gives a picture or an error that
// wraps ErrCorrupt. kfgrab always notices truncation and loss in H.264, and
// truncation in H.265 if the frame is in doubt. ffmpeg misses some of the rest;
// the test counts it.
func TestDamage(t *testing.T) {
	const tries = 5
	for _, c := range []struct {
		name      string
		frame     *keyframe.Frame
		doubt     bool
		unnoticed [3]int // at most, for each kind of damage
	}{
		{"h264.264", stream(t, "h264.264", keyframe.H264)[0], false, [3]int{0, 1, 0}},
		{"slices.ts", unwrapped(t, "slices.ts", keyframe.H264)[0], false, [3]int{0, 1, 0}},
		{"h265.265 doubted", stream(t, "h265.265", keyframe.H265)[0], true, [3]int{0, tries, tries}},
		{"no-wpp.265 doubted", stream(t, "no-wpp.265", keyframe.H265)[0], true, [3]int{0, tries, tries}},
	} {
		good := decodeTo(t, c.frame, decode.Output{Format: decode.RGB24})
		for k, damage := range damages {
			t.Run(c.name+" "+damage.name, func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(1, uint64(k)))
				refused, same, unnoticed := 0, 0, 0
				for range tries {
					f := *c.frame
					head := len(f.Data) / 6 // parameter sets, SEI and slice header
					f.Data = damage.do(bytes.Clone(f.Data), head+random.IntN(len(f.Data)-head), random.IntN(8))
					var w bytes.Buffer
					f.OpenEnd = c.doubt
					err := new(decode.Decoder).Decode(context.Background(), &w, &f, decode.Output{Format: decode.RGB24})
					switch {
					case err != nil && (w.Len() > 0 || !errors.Is(err, keyframe.ErrCorrupt)):
						t.Fatalf("%d bytes and error %v", w.Len(), err)
					case err != nil:
						refused++
					case bytes.Equal(w.Bytes(), good):
						same++
					default:
						unnoticed++
					}
				}
				t.Logf("refused %d, picture unchanged %d, unnoticed %d", refused, same, unnoticed)
				if unnoticed > c.unnoticed[k] {
					t.Errorf("unnoticed %d, want at most %d", unnoticed, c.unnoticed[k])
				}
			})
		}
	}
}

// TestNoPicture proves that data without a picture is reported as corrupt, not
// as a failure of ffmpeg.
func TestNoPicture(t *testing.T) {
	f := stream(t, "h264.264", keyframe.H264)[0]
	hevc := stream(t, "h265.265", keyframe.H265)[0]
	for _, c := range []struct {
		name  string
		codec keyframe.Codec
		data  []byte
	}{
		{"nothing", keyframe.H264, nil},
		{"text", keyframe.H264, []byte("<html>not found</html>")},
		{"text as H.265", keyframe.H265, []byte("<html>not found</html>")},
		{"zeros", keyframe.H264, make([]byte, 1<<16)},
		{"parameter sets alone", keyframe.H264, f.Data[:60]},
		{"slices alone", keyframe.H264, f.Data[100:]},
		{"the other codec", keyframe.H265, f.Data},
		{"the other codec as H.264", keyframe.H264, hevc.Data},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w bytes.Buffer
			bad := &keyframe.Frame{Codec: c.codec, Kind: keyframe.IDR, Pictures: 1, Data: c.data, Info: f.Info}
			err := new(decode.Decoder).Decode(context.Background(), &w, bad, decode.Output{})
			if !errors.Is(err, keyframe.ErrCorrupt) || w.Len() > 0 {
				t.Errorf("%d bytes and error %v", w.Len(), err)
			}
			t.Log(err)
		})
	}
}

// TestOpenEnd proves that an open end does not change sound pictures, in any
// format.
func TestOpenEnd(t *testing.T) {
	for _, f := range []*keyframe.Frame{
		stream(t, "cra.265", keyframe.H265)[1],
		stream(t, "10bit.265", keyframe.H265)[0],
		stream(t, "h264.264", keyframe.H264)[0],
	} {
		for _, format := range []decode.Format{decode.JPEG, decode.PNG, decode.WebP, decode.RGB24} {
			var w bytes.Buffer
			open := *f
			open.OpenEnd = true
			if err := new(decode.Decoder).Decode(context.Background(), &w, &open, decode.Output{Format: format}); err != nil {
				t.Errorf("%v %v as %v: %v", f.Codec, f.Kind, format, err)
			} else if !bytes.Equal(w.Bytes(), decodeTo(t, f, decode.Output{Format: format})) {
				t.Errorf("%v %v as %v: another picture than with its end known", f.Codec, f.Kind, format)
			}
		}
	}
}
