package decode_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestCorpus proves that real pictures decode as ffmpeg decodes them: one of each size,
// profile and colour description.
func TestCorpus(t *testing.T) {
	seen := map[keyframe.Info]bool{}
	for _, file := range testmedia.MustCorpus(t, "annexb") {
		if file.Expect != "picture" {
			continue
		}
		data, err := os.ReadFile(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		c := keyframe.H264
		if file.Codec == "hevc" {
			c = keyframe.H265
		}

		f := frames(data, c)[0]
		shape := f.Info
		shape.LevelIDC, shape.FrameRateNum, shape.FrameRateDen = 0, 0, 0
		if seen[shape] {
			continue
		}
		seen[shape] = true
		t.Run(file.Name, func(t *testing.T) {
			t.Parallel()
			o := decode.Output{Format: decode.RGB24, Width: f.Info.Width, Height: f.Info.Height, KeepInterlaced: true} // without scaling to square pixels
			if got, want := decodeTo(t, f, o), plain(t, f); !bytes.Equal(got, want) {
				t.Errorf("another picture than ffmpeg's, PSNR %.1f dB", psnr(got, want))
			}
		})
	}
}
