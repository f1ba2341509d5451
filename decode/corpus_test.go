package decode_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestCorpus proves that every real picture decodes as ffmpeg decodes it.
func TestCorpus(t *testing.T) {
	for _, file := range testmedia.MustCorpus(t, "annexb") {
		if file.Expect != "picture" {
			continue
		}
		t.Run(file.Name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file.Path)
			if err != nil {
				t.Fatal(err)
			}
			c := keyframe.H264
			if file.Codec == "hevc" {
				c = keyframe.H265
			}
			f := frames(data, c)[0]
			o := decode.Output{Format: decode.RGB24, Width: f.Info.Width, Height: f.Info.Height, KeepInterlaced: true} // without scaling to square pixels
			if got, want := decodeTo(t, f, o), plain(t, f); !bytes.Equal(got, want) {
				t.Errorf("another picture than ffmpeg's, PSNR %.1f dB", psnr(got, want))
			}
		})
	}
}
