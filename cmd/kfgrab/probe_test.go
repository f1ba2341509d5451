package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// probed is the output of kfgrab or ffprobe.
type probed struct {
	Programs []struct {
		Tags    map[string]string
		Streams []json.RawMessage
		Error   string
	}
	Streams []map[string]any
}

func parseProbed(t *testing.T, data []byte) (p probed) {
	t.Helper()
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatalf("%v in %.200q", err, data)
	}
	return p
}

func (p *probed) of(kind string) (list []map[string]any) {
	for _, s := range p.Streams {
		if s["codec_type"] == kind {
			list = append(list, s)
		}
	}
	return list
}

// ours runs the command in the test's process, without ffmpeg.
func ours(t *testing.T, u string) probed {
	t.Helper()
	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{"probe", u}, strings.NewReader(""), &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Fatalf("code %d: %s", code, stderr.String())
	}
	return parseProbed(t, []byte(stdout.String()))
}

func theirs(t *testing.T, u string, args ...string) probed {
	t.Helper()
	args = append(args, "-v", "error", "-print_format", "json", "-show_streams", u)
	out, err := exec.CommandContext(t.Context(), "ffprobe", args...).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	return parseProbed(t, out)
}

// always are the fields of video that every stream has.
var always = []string{"index", "codec_name", "codec_type", "profile", "level", "width", "height", "pix_fmt", "coded_width", "coded_height"}

// agree compares every field of ours with ffprobe's of the same name, except
// those named.
func agree(t *testing.T, got, want map[string]any, but ...string) {
	t.Helper()
	for name := range got {
		if !slices.Contains(but, name) && !agreeOn(name, got, want) {
			t.Errorf("%v: %s is %v, ffprobe says %v", got["codec_name"], name, got[name], want[name])
		}
	}
	if got["codec_type"] != "video" {
		return
	}
	for _, name := range always {
		if got[name] == nil {
			t.Errorf("%s is missing, ffprobe says %v", name, want[name])
		}
	}
}

func agreeOn(name string, got, want map[string]any) bool {
	switch g, w := got[name], want[name]; name {
	case "field_order": // ffprobe leaves it out if the stream does not say
		return w == nil || g == w
	case "coded_width", "coded_height": // before it has decoded, ffprobe takes the picture's size for these
		return g == w || got[strings.TrimPrefix(name, "coded_")] == w
	case "tags": // ffprobe's HLS demuxer drops languages
		language := w.(map[string]any)["language"]
		return language == nil || language == g.(map[string]any)["language"]
	default:
		return fmt.Sprint(g) == fmt.Sprint(w)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	for _, name := range []string{
		"h264.ts",
		"h265.ts",
		"interlaced.ts",
		"h264-audio.ts",
		"moov-last.mp4",
		"h265.mp4",
		"anamorphic.mp4",
		"fragmented.mp4",
		"audio.mp4",
		"10bit.264",
		"10bit.265",
		"sar43.264",
		"422.264",
		"bt709.264",
		"bt709-full.264",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := testmedia.Make(t, name)
			got, want := ours(t, path), theirs(t, path)
			if len(got.Streams) != len(want.Streams) || len(got.Programs) != 0 {
				t.Fatalf("streams %v, ffprobe lists %v", got.Streams, want.Streams)
			}
			for i := range got.Streams {
				agree(t, got.Streams[i], want.Streams[i])
			}
		})
	}
}

// TestProbePrograms: probe examines the selected program and lists all of them.
func TestProbePrograms(t *testing.T) {
	t.Parallel()
	path := testmedia.Make(t, "two-programs.ts")
	got, want := ours(t, path), theirs(t, path)
	if len(got.Streams) != 2 || len(want.Streams) != 2 {
		t.Fatal(got.Streams)
	}
	agree(t, got.Streams[0], want.Streams[0])
	if second := got.Streams[1]; second["id"] != want.Streams[1]["id"] || second["codec_name"] != "h264" || second["width"] != nil {
		t.Error(second)
	}
}

func TestProbeHLS(t *testing.T) {
	t.Parallel()
	o := startOrigin(t)
	for _, kind := range []origin.Kind{origin.TS, origin.FMP4} {
		got := ours(t, o.HLS(kind))
		want := theirs(t, o.HLS(kind), "-show_programs")
		if len(got.Programs) != 3 || len(want.Programs) != 3 {
			t.Fatalf("%d programs, ffprobe lists %d", len(got.Programs), len(want.Programs))
		}
		for i, p := range got.Programs {
			if g, w := p.Tags["variant_bitrate"], want.Programs[i].Tags["variant_bitrate"]; g != w {
				t.Errorf("variant_bitrate %s, ffprobe says %s", g, w)
			}
			if len(p.Streams) != 2 {
				t.Errorf("streams %s", p.Streams)
			}
		}
		for _, codecType := range []string{"video", "audio"} {
			g, w := got.of(codecType), want.of(codecType)
			if len(g) != 3 || len(w) != 3 {
				t.Fatalf("%d streams, ffprobe lists %d", len(g), len(w))
			}
			for i := range g {
				agree(t, g[i], w[i], "index", "id")
			}
		}
	}
	// A rendition costs its playlist and one keyframe.
	seen := len(o.Requests())
	ours(t, o.HLS(origin.TS))
	for _, r := range o.Requests()[seen:] {
		if whole := o.SegmentSize(r.Path); whole > 0 && r.Bytes >= whole {
			t.Errorf("%s was fetched whole", r.Path)
		}
	}
}

func TestProbeRTSP(t *testing.T) {
	t.Parallel()
	o := startOrigin(t)
	for _, codec := range []keyframe.Codec{keyframe.H264, keyframe.H265} {
		got, want := ours(t, o.RTSP(codec)), theirs(t, o.RTSP(codec), "-rtsp_transport", "tcp")
		if len(got.Streams) != 1 {
			t.Fatalf("%v", got.Streams)
		}
		agree(t, got.of("video")[0], want.of("video")[0], "index", "id")
	}
}

// TestProbeBrokenRendition: a rendition that fails is listed beside the others.
func TestProbeBrokenRendition(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(testmedia.Make(t, "hls-ts"))
	server := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/master.m3u8" {
			http.ServeFile(w, r, filepath.Join(dir, r.URL.Path))
			return
		}
		io.WriteString(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nindex.m3u8\n"+
			"#EXT-X-STREAM-INF:BANDWIDTH=100000\nnone.m3u8?token="+secret+"\n")
	})
	var stdout strings.Builder
	if code := run(t.Context(), []string{"probe", server.URL + "/master.m3u8"}, nil, &stdout, io.Discard); code != 0 {
		t.Fatalf("code %d", code)
	}
	got := parseProbed(t, []byte(stdout.String()))
	if len(got.Programs) != 2 || len(got.Streams) != 2 || len(got.Programs[1].Streams) != 0 ||
		!strings.Contains(got.Programs[1].Error, "status 404") || strings.Contains(stdout.String(), secret) {
		t.Error(stdout.String())
	}
}

func TestProbeFails(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	if code := run(context.Background(), []string{"probe", filepath.Join(t.TempDir(), "none.ts")}, nil, io.Discard, &stderr); code != 1 || !oneFailureLine(stderr.String()) {
		t.Errorf("code %d: %s", code, stderr.String())
	}
}
