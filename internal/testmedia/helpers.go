package testmedia

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Hashes decodes the video in data with ffmpeg and returns an MD5 of each picture. input
// are ffmpeg's input options, such as "-f h264", or "-skip_frame nokey" for keyframes
// only.
func Hashes(tb testing.TB, data []byte, input ...string) (sums []string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "input") // MP4 needs a seekable file
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	args := append([]string{"-nostdin", "-v", "error", "-noautorotate"}, input...)
	args = append(args, "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")

	cmd := exec.Command("ffmpeg", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("ffmpeg: %v: %.500s", err, stderr.String())
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			sums = append(sums, strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:]))
		}
	}
	return sums
}

// WithoutKeyframes returns a copy of an H.264 stream in which the NAL units of IDR
// pictures are filler data. Parameter sets stay.
func WithoutKeyframes(data []byte) []byte {
	data = bytes.Clone(data)
	for at := range data[:len(data)-4] {
		if data[at] == 0 && data[at+1] == 0 && data[at+2] == 1 && data[at+3]&0x1f == 5 {
			data[at+3] = 12
		}
	}
	return data
}

// Repeat returns a reader of size bytes that repeats data.
func Repeat(data []byte, size int64) io.Reader {
	return io.LimitReader(&cycle{data: data}, size)
}

type cycle struct {
	data []byte
	at   int
}

func (c *cycle) Read(p []byte) (int, error) {
	if c.at == len(c.data) {
		c.at = 0
	}
	n := copy(p, c.data[c.at:])
	c.at += n
	return n, nil
}
