package origin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"github.com/kfgrab/kfgrab/keyframe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs ffmpeg: make deps")
	}
}

func startSmall(t *testing.T) *Origin {
	t.Helper()
	needFFmpeg(t)
	o, err := Start(t.Context(), &Options{Profile: Small()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// TestFFmpegReads: ffmpeg, an independent client, reads every path.
func TestFFmpegReads(t *testing.T) {
	o := startSmall(t)
	for _, c := range []struct {
		name string
		url  string
		args []string
		want string
	}{
		{"ts", o.HLS(TS), nil, "640x360"},
		{"fmp4", o.HLS(FMP4), nil, "640x360"},
		{"ts rendition", o.Media(TS, 2), nil, "256x144"},
		{"fmp4 rendition", o.Media(FMP4, 1), nil, "426x240"},
		{"rtsp h264", o.RTSP(keyframe.H264), []string{"-rtsp_transport", "tcp"}, "426x240"},
		{"rtsp h265", o.RTSP(keyframe.H265), []string{"-rtsp_transport", "tcp"}, "426x240"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "x.png")
			args := append([]string{"-v", "error", "-nostdin"}, c.args...)
			cmd := exec.CommandContext(t.Context(), "ffmpeg", append(args, "-i", c.url, "-frames:v", "1", out)...)
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, msg)
			}
			if got := sizeOf(t, out); got != c.want {
				t.Errorf("a picture of %s, want %s", got, c.want)
			}
		})
	}
}

// sizeOf returns the size of a picture, according to ffprobe.
func sizeOf(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error",
		"-show_entries", "stream=width,height", "-of", "csv=s=x:p=0", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestSegmentsAreWhatTheyShouldBe: the segments are MPEG-TS that begins with a
// table, and MP4 with one moof. The master playlist names their codec.
func TestSegmentsAreWhatTheyShouldBe(t *testing.T) {
	o := startSmall(t)
	ts := get(t, o.Newest(TS)).body
	if int64(len(ts)) != o.SegmentSize(o.Newest(TS)) || len(ts)%188 != 0 || ts[0] != 0x47 {
		t.Errorf("MPEG-TS segment of %d bytes begins with %x; its size is given as %d", len(ts), ts[0], o.SegmentSize(o.Newest(TS)))
	}
	mp4 := get(t, o.Newest(FMP4)).body
	if strings.Count(string(mp4), "moof") != 1 {
		t.Errorf("MP4 segment of %d bytes has not one moof", len(mp4))
	}
	master := string(get(t, o.HLS(FMP4)).body)
	if len(regexp.MustCompile(`CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2"`).FindAllString(master, -1)) != 3 {
		t.Errorf("master playlist:\n%s", master)
	}
}

// TestCloseWithViewers: Close disconnects viewers within an answer. TestMain
// detects goroutines that are left.
func TestCloseWithViewers(t *testing.T) {
	needFFmpeg(t)
	o, err := Start(t.Context(), &Options{Profile: Small()})
	if err != nil {
		t.Fatal(err)
	}
	conn := &http.Transport{}
	defer conn.CloseIdleConnections()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, o.Newest(TS), nil)
	resp, err := conn.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make(chan struct{}, 1)
	viewer := play(t, o.RTSP(keyframe.H265), new(format.H265), func(*rtp.Packet) {
		select {
		case first <- struct{}{}:
		default:
		}
	})
	<-first
	o.Close()
	if err := viewer.Wait(); err == nil {
		t.Error("the RTSP viewer did not notice")
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if _, err := conn.RoundTrip(req.Clone(t.Context())); err == nil {
		t.Error("the web server still answers")
	}
}

func TestCache(t *testing.T) {
	needFFmpeg(t)
	cache := t.TempDir()
	start := func(ffmpeg string) error {
		o, err := Start(t.Context(), &Options{Profile: Small(), CacheDir: cache, FFmpeg: ffmpeg})
		if err == nil {
			o.Close()
		}
		return err
	}
	if err := start(""); err != nil {
		t.Fatal(err)
	}
	if err := start("no-such-ffmpeg"); err != nil {
		t.Errorf("with a full cache: %v", err)
	}
	lost, err := filepath.Glob(filepath.Join(cache, "*", "240p-1.ts"))
	if err != nil || len(lost) != 1 {
		t.Fatal(lost, err)
	}
	if err := os.Remove(lost[0]); err != nil {
		t.Fatal(err)
	}
	if err := start("no-such-ffmpeg"); err == nil {
		t.Error("a cache that has lost a file was used")
	}
	if err := start(""); err != nil {
		t.Errorf("repair: %v", err)
	}
	if _, err := os.Stat(lost[0]); err != nil {
		t.Error(err)
	}
}

// script writes a stand-in for ffmpeg.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEncoderErrors(t *testing.T) {
	cancelled, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the user went away")
	cancel(gone)
	for _, c := range []struct {
		name   string
		ctx    context.Context
		ffmpeg string
		text   string
		is     error
	}{
		{"missing", t.Context(), "no-such-ffmpeg", "apt-get install ffmpeg", exec.ErrNotFound},
		{"fails", t.Context(), script(t, `echo "Unknown encoder 'libx265'" >&2; echo more >&2; exit 1`), "Unknown encoder 'libx265'; more", nil},
		{"writes nothing", t.Context(), script(t, "exit 0"), "no such file", os.ErrNotExist},
		{"cancelled", cancelled, script(t, "exec sleep 60"), "encoding was stopped", gone},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache := t.TempDir()
			_, err := Start(c.ctx, &Options{Profile: Small(), FFmpeg: c.ffmpeg, CacheDir: cache})
			if err == nil || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q, want one line with %q", err, c.text)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %q does not wrap %q", err, c.is)
			}
			if left, _ := os.ReadDir(cache); len(left) != 0 {
				t.Errorf("left in the cache: %v", left)
			}
		})
	}
}

// TestEncoderKilled: an ffmpeg that hangs is killed.
func TestEncoderKilled(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	if out, err := exec.Command("mkfifo", started).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v: %s", err, out)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the user went away")
	go func() {
		_, _ = os.ReadFile(started) // returns when the script has written
		cancel(gone)
	}()
	ffmpeg := script(t, "echo x > "+started+"; exec sleep 600")
	if _, err := Start(ctx, &Options{Profile: Small(), FFmpeg: ffmpeg, CacheDir: t.TempDir()}); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}
