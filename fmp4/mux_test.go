package fmp4_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// firstOf returns the first keyframe of an Annex B recipe.
func firstOf(tb testing.TB, c keyframe.Codec, recipe string) *keyframe.Frame {
	tb.Helper()
	data, err := os.ReadFile(testmedia.Make(tb, recipe))
	if err != nil {
		tb.Fatal(err)
	}
	asm := keyframe.NewAssembler(c)
	for nalu := range keyframe.AnnexB(data) {
		if f := asm.Push(nalu, keyframe.NoPTS); f != nil {
			return f
		}
	}
	f := asm.Flush()
	if f == nil {
		tb.Fatal(recipe, "holds no keyframe")
	}
	return f
}

type probed struct {
	Streams []struct {
		CodecName         string `json:"codec_name"`
		CodecTag          string `json:"codec_tag_string"`
		Profile           string
		Width, Height     int
		SampleAspectRatio string `json:"sample_aspect_ratio"`
		PixFmt            string `json:"pix_fmt"`
		ColorPrimaries    string `json:"color_primaries"`
		NbFrames          string `json:"nb_frames"`
	}
}

func ffprobe(tb testing.TB, path string) (p probed) {
	tb.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		tb.Skip("needs ffprobe: make deps")
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-show_streams", "-print_format", "json", path).Output()
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(out, &p); err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestMux proves that ffprobe describes the file as the stream it came from,
// that ffmpeg decodes the same picture, and that Movie finds the same NAL
// units.
func TestMux(t *testing.T) {
	cases := []struct {
		recipe string
		codec  keyframe.Codec
		tag    string
		pixFmt string
		sar    string
	}{
		{"h264.264", keyframe.H264, "avc1", "yuv420p", "1:1"},
		{"h265.265", keyframe.H265, "hvc1", "yuv420p", "1:1"},
		{"sar43.264", keyframe.H264, "avc1", "yuv420p", "4:3"},
		{"10bit.264", keyframe.H264, "avc1", "yuv420p10le", "1:1"},
		{"10bit.265", keyframe.H265, "hvc1", "yuv420p10le", "1:1"},
		{"bt709.264", keyframe.H264, "avc1", "yuv420p", "1:1"},
	}
	for _, c := range cases {
		t.Run(c.recipe, func(t *testing.T) {
			f := firstOf(t, c.codec, c.recipe)
			data, err := fmp4.Mux(f)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "one.mp4")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			s := ffprobe(t, path).Streams[0]
			if s.CodecName != c.codec.String() || s.CodecTag != c.tag || s.PixFmt != c.pixFmt || s.SampleAspectRatio != c.sar ||
				s.Width != f.Info.Width || s.Height != f.Info.Height || s.NbFrames != "1" {
				t.Errorf("ffprobe sees %+v", s)
			}
			if c.recipe == "bt709.264" && s.ColorPrimaries != "bt709" {
				t.Errorf("colour %q", s.ColorPrimaries)
			}
			sums := md5s(ffmpeg(t, "-i", path, "-f", "framemd5", "-"))
			var batch pictures
			if len(sums) != 1 {
				t.Fatalf("%d pictures", len(sums))
			}
			batch.add("annexb", f, sums[0])
			batch.check(t)
			again, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), nil).Keyframe()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again.Data, f.Data) {
				t.Error("other NAL units came back")
			}
			if again.Info != f.Info {
				t.Errorf("%+v, not %+v", again.Info, f.Info)
			}
		})
	}
}

func TestMuxRefuses(t *testing.T) {
	whole := firstOf(t, keyframe.H264, "h264.264")
	bare := *whole
	bare.Data = keyframe.AppendNALU(nil, []byte{0x65, 0x88, 0x80})
	setsOnly := *whole
	setsOnly.Data = nil
	for nalu := range keyframe.AnnexB(whole.Data) {
		if nalu[0]&0x1f == 7 || nalu[0]&0x1f == 8 {
			setsOnly.Data = keyframe.AppendNALU(setsOnly.Data, nalu)
		}
	}
	refresh := *whole
	refresh.Kind, refresh.Pictures = keyframe.GradualRefresh, 25
	for _, c := range []struct {
		name  string
		frame *keyframe.Frame
		want  error
	}{
		{"no parameter sets", &bare, keyframe.ErrCorrupt},
		{"no picture", &setsOnly, keyframe.ErrCorrupt},
		{"empty", &keyframe.Frame{Codec: keyframe.H264}, keyframe.ErrCorrupt},
		{"gradual refresh", &refresh, keyframe.ErrUnsupported},
		{"no codec", &keyframe.Frame{Data: whole.Data}, keyframe.ErrUnsupported},
	} {
		if _, err := fmp4.Mux(c.frame); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestMuxChangingSets proves that a parameter set between two slices stays there, in
// a sample entry that allows it.
func TestMuxChangingSets(t *testing.T) {
	for _, c := range []struct {
		recipe string
		codec  keyframe.Codec
		tag    string
	}{
		{"live-slices.264", keyframe.H264, "avc3"},
		{"slices.265", keyframe.H265, "hev1"},
	} {
		f := firstOf(t, c.codec, c.recipe)
		var set, data []byte
		slices := 0
		for nalu := range keyframe.AnnexB(f.Data) {
			if c.codec.IsPPS(nalu) {
				set = nalu
			}
			if c.codec.IsSlice(nalu) {
				if slices++; slices == 2 {
					data = keyframe.AppendNALU(data, set)
				}
			}
			data = keyframe.AppendNALU(data, nalu)
		}
		changing := *f
		changing.Data = data
		file, err := fmp4.Mux(&changing)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "one.mp4")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if s := ffprobe(t, path).Streams[0]; slices < 2 || s.CodecTag != c.tag {
			t.Errorf("%s: %d slices in %s, want %s", c.recipe, slices, s.CodecTag, c.tag)
		}
		if !bytes.Contains(file, append([]byte{0, 0, 0, byte(len(set))}, set...)) {
			t.Errorf("%s: the sample lacks the set", c.recipe)
		}
	}
}
