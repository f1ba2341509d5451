package keyframe_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestCorpusByteStreams proves that every raw stream of the corpus gives the
// picture that its index expects, however the stream is cut.
func TestCorpusByteStreams(t *testing.T) {
	for _, file := range testmedia.MustCorpus(t, "annexb") {
		if file.Expect != "picture" {
			continue
		}
		t.Run(filepath.Base(file.Name), func(t *testing.T) {
			data, err := os.ReadFile(file.Path)
			if err != nil {
				t.Fatal(err)
			}
			c := keyframe.H264
			if file.Codec == "hevc" {
				c = keyframe.H265
			}
			f := first(c, data, 997)
			if f == nil {
				t.Fatal("no keyframe")
			}
			if got := frameMD5(t, f); got != file.FrameMD5 {
				t.Errorf("%v picture with frame MD5 %s, want %s", f.Kind, got, file.FrameMD5)
			}
			compareInfo(t, f)
		})
	}
}

// first feeds data in pieces of n bytes and returns the first keyframe.
func first(c keyframe.Codec, data []byte, n int) *keyframe.Frame {
	b := keyframe.NewByteStream(c)
	for len(data) > 0 {
		piece := data[:min(n, len(data))]
		data = data[len(piece):]
		b.Push(piece)
		if f := b.Next(); f != nil {
			return f
		}
	}
	return b.Flush()
}

// frameMD5 decodes the frame alone and returns the picture's MD5.
func frameMD5(t *testing.T, f *keyframe.Frame) string {
	t.Helper()
	if all := md5s(f.Codec, f.Data, "-frames:v", "1"); len(all) > 0 {
		return all[0]
	}
	return "no picture"
}

// allMD5 decodes an H.264 byte stream and returns each picture's MD5.
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
