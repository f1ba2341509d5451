package testmedia

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Hashes decodes the video in data with ffmpeg and returns an MD5 of each
// picture. input are ffmpeg's options of the input, such as "-f h264", or
// "-skip_frame nokey" for the keyframes alone.
func Hashes(tb testing.TB, data []byte, input ...string) (sums []string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "input") // a pipe is too little for MP4
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
