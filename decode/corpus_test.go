package decode_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

// No real picture is refused, and each is the one that ffmpeg makes of it.
func TestCorpus(t *testing.T) {
	const corpus = "../../shared/corpus"
	index, err := os.Open(filepath.Join(corpus, "INDEX.tsv"))
	if err != nil {
		t.Skip("0 pictures tested: no corpus beside the project")
	}
	defer index.Close()
	r := csv.NewReader(index)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, row := range rows[1:] {
		path, kind, codec, expect := row[0], row[1], row[2], row[6]
		if kind != "annexb" || expect != "picture" {
			continue
		}
		tested++
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(corpus, "files", path))
			if err != nil {
				t.Fatal(err)
			}
			c := keyframe.H264
			if codec == "hevc" {
				c = keyframe.H265
			}
			f := frames(data, c)[0]
			o := decode.Output{Format: decode.RGB24, Width: f.Info.Width, Height: f.Info.Height} // no square pixels
			if got, want := decodeTo(t, f, o), plain(t, f); !bytes.Equal(got, want) {
				t.Errorf("another picture than ffmpeg's, PSNR %.1f dB", psnr(got, want))
			}
		})
	}
	t.Logf("%d pictures tested", tested)
}
