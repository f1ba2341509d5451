package keyframe_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

const corpus = "../../shared/corpus"

// Every raw stream of the corpus gives the picture that its index expects,
// however the stream is cut into pieces.
func TestCorpusByteStreams(t *testing.T) {
	index, err := os.Open(filepath.Join(corpus, "INDEX.tsv"))
	if err != nil {
		t.Skip("0 streams tested: no corpus beside the project")
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
		path, kind, codec, expect, md5 := row[0], row[1], row[2], row[6], row[8]
		if kind != "annexb" || expect != "picture" {
			continue
		}
		tested++
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(corpus, "files", path))
			if err != nil {
				t.Fatal(err)
			}
			c := keyframe.H264
			if codec == "hevc" {
				c = keyframe.H265
			}
			f := first(c, data, 997)
			if f == nil {
				t.Fatal("no keyframe")
			}
			if got := frameMD5(t, f); got != md5 {
				t.Errorf("%v picture with frame MD5 %s, want %s", f.Kind, got, md5)
			}
			compareInfo(t, f)
		})
	}
	t.Logf("%d streams tested", tested)
}

// first feeds data in pieces of n bytes.
func first(c keyframe.Codec, data []byte, n int) *keyframe.Frame {
	b := keyframe.NewByteStream(keyframe.NewAssembler(c))
	for len(data) > 0 {
		piece := data[:min(n, len(data))]
		data = data[len(piece):]
		if f, _ := b.Feed(piece); f != nil {
			return f
		}
	}
	return b.Flush()
}

// frameMD5 decodes the frame alone.
func frameMD5(t *testing.T, f *keyframe.Frame) string {
	t.Helper()
	if all := md5s(f.Codec, f.Data, "-frames:v", "1"); len(all) > 0 {
		return all[0]
	}
	return "no picture"
}

// allMD5 decodes every picture of an H.264 byte stream.
func allMD5(t *testing.T, data []byte) []string {
	t.Helper()
	all := md5s(keyframe.H264, data)
	if len(all) == 0 {
		t.Fatal("ffmpeg decodes no picture")
	}
	return all
}

func md5s(c keyframe.Codec, data []byte, opts ...string) (sums []string) {
	args := append([]string{"-v", "quiet", "-nostdin", "-f", c.String(), "-i", "pipe:0"}, opts...)
	cmd := exec.Command("ffmpeg", append(args, "-f", "framemd5", "-")...)
	cmd.Stdin = bytes.NewReader(data)
	out, _ := cmd.Output() // a decoding error shows as a missing picture
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			fields := strings.Split(line, ",")
			sums = append(sums, strings.TrimSpace(fields[len(fields)-1]))
		}
	}
	return sums
}
