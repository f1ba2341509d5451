package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// TestStreamCases grabs from streams that once gave a torn picture, another picture or
// none, and compares the coded keyframe's picture with the right one.
func TestStreamCases(t *testing.T) {
	dir := testmedia.MustCases(t, "streams")
	files := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(files.Close)

	for _, c := range []struct {
		file, demuxer, md5 string
		args               []string
	}{
		{"avchd-paff-pps-changes-between-fields.mts", "h264", "91b63ff4edcd3cfddfa0f76129576eef", nil},
		{"first-keyframe-damaged-a-plain.ts", "h264", "cd60323bd6d84708d9fe14d5af02597f", nil},
		{"first-keyframe-damaged-s-es.265", "hevc", "4ab025e31175f4d232095d8ed654b710", nil},
		{"h264-cabac-lost-packets-remuxed.ts", "h264", "361f3ca510e54672ecc26b242dc5770e", nil},
		{"hevc-184-zero-bytes-in-slice.ts", "hevc", "0993d5befb964810164304a5d19e9f42", nil},
		{"hevc-es-half-green.265", "hevc", "417b3a43ae74de704a60d6ab0906cd9b", nil},
		{"hevc-lost-packets-remuxed-1.ts", "hevc", "417b3a43ae74de704a60d6ab0906cd9b", nil},
		{"hevc-one-bit-flipped.mp4", "hevc", "417b3a43ae74de704a60d6ab0906cd9b", nil},
		{"hevc-slices-lost-packets-remuxed.ts", "hevc", "0993d5befb964810164304a5d19e9f42", nil},
		{"last-intra-cut-short.ts", "h264", "273298fa05a830ad236ac23d9feb964c", nil},
		{"hls-gop-longer-than-two-segments/index.m3u8", "h264", "d66a134b168510941c18b5ea56fd3f57", nil},
		{"iframe-playlist-multi-gop-fmp4/index.m3u8", "h264", "3bbf1047b87ad766ebbd0ccaa9c9d7ef", []string{"--at", "1.0"}},
		{"iframe-playlist-multi-gop-fmp4/index.m3u8", "h264", "3bbf1047b87ad766ebbd0ccaa9c9d7ef", []string{"--at", "1.5"}},
	} {
		t.Run(strings.Join(append([]string{c.file}, c.args...), " "), func(t *testing.T) {
			t.Parallel()
			address := filepath.Join(dir, c.file)
			if strings.HasSuffix(c.file, ".m3u8") {
				address = files.URL + "/" + c.file
			}
			coded := filepath.Join(t.TempDir(), "keyframe")
			var stderr bytes.Buffer
			args := append([]string{address, "--format", "annexb", "-o", coded}, c.args...)
			if code := run(t.Context(), args, nil, os.Stdout, &stderr); code != 0 {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			if got := frameMD5(t, c.demuxer, coded); got != c.md5 {
				t.Errorf("the picture's MD5 is %s, want %s", got, c.md5)
			}
		})
	}
}

// frameMD5 returns the MD5 of the first picture of a byte stream, as ffmpeg decodes it.
func frameMD5(t *testing.T, demuxer, path string) string {
	t.Helper()
	needFFmpeg(t)
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", demuxer, "-i", path,
		"-pix_fmt", "yuv420p", "-frames:v", "1", "-f", "framemd5", "pipe:1").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out[bytes.LastIndexByte(out, ' ')+1 : len(out)-1])
}
