package decode_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// corpusFrame is the first keyframe of a real stream.
type corpusFrame struct {
	*keyframe.Frame
	name string
}

// corpusFrames returns a frame of each size, profile and colour description.
func corpusFrames(t *testing.T) (list []corpusFrame) {
	t.Helper()
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
		if !seen[shape] {
			seen[shape] = true
			list = append(list, corpusFrame{f, file.Name})
		}
	}
	return list
}

// TestCorpus proves that real pictures decode as ffmpeg decodes them.
func TestCorpus(t *testing.T) {
	for _, f := range corpusFrames(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			o := decode.Output{Format: decode.RGB24, Width: f.Info.Width, Height: f.Info.Height, KeepInterlaced: true} // without scaling to square pixels
			if got, want := decodeTo(t, f.Frame, o), plain(t, f.Frame); !bytes.Equal(got, want) {
				t.Errorf("another picture than ffmpeg's, PSNR %.1f dB", psnr(got, want))
			}
		})
	}
}
