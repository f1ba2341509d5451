package main

import (
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/keyframe"
)

func TestReport(t *testing.T) {
	taken := time.Date(2026, 3, 1, 12, 0, 5, 250_000_000, time.FixedZone("", 3600))
	full := &kfgrab.Snapshot{
		Frame: &keyframe.Frame{
			Codec: keyframe.H265, Kind: keyframe.CRA, Data: make([]byte, 1234), PTS: 90*time.Second + 40*time.Millisecond,
			Info: keyframe.Info{
				Width: 720, Height: 576, SARNum: 16, SARDen: 11, Profile: "Main 10", LevelIDC: 93, ChromaFormat: 1, BitDepth: 10,
			},
		},
		URL: "http://example.com/a&b.m3u8", Taken: taken, MediaTime: taken.Add(-1500 * time.Millisecond),
		Cost: kfgrab.Cost{Down: 5000, Up: 300, Requests: 3, Elapsed: 123456 * time.Microsecond},
	}
	bare := &kfgrab.Snapshot{Frame: &keyframe.Frame{Codec: keyframe.H264, Kind: keyframe.IDR, PTS: keyframe.NoPTS}, URL: "-", Taken: taken}
	for _, test := range []struct {
		snap *kfgrab.Snapshot
		want string
	}{
		{full, `{"url":"http://example.com/a&b.m3u8","codec_name":"hevc","profile":"Main 10","level":93,"width":720,"height":576,` +
			`"sample_aspect_ratio":"16:11","pix_fmt":"yuv420p10le","keyframe":"cra","keyframe_bytes":1234,"pts_time":90.04,` +
			`"media_time":"2026-03-01T11:00:03.750Z","age":1.5,"taken":"2026-03-01T11:00:05.250Z",` +
			`"bytes_down":5000,"bytes_up":300,"requests":3,"elapsed":0.123}`},
		{bare, `{"url":"-","codec_name":"h264","profile":"","level":0,"width":0,"height":0,"pix_fmt":"gray","keyframe":"idr",` +
			`"keyframe_bytes":0,"taken":"2026-03-01T11:00:05.250Z","bytes_down":0,"bytes_up":0,"requests":0,"elapsed":0}`},
	} {
		var b strings.Builder
		if err := writeJSON(&b, newReport(test.snap), ""); err != nil || b.String() != test.want+"\n" {
			t.Errorf("got  %swant %s", b.String(), test.want)
		}
	}
}

// TestReportAtZero: 0 s is a time like any other.
func TestReportAtZero(t *testing.T) {
	now := time.Now()
	var b strings.Builder
	snap := &kfgrab.Snapshot{Frame: &keyframe.Frame{}, Taken: now, MediaTime: now}
	if writeJSON(&b, newReport(snap), ""); !strings.Contains(b.String(), `"pts_time":0,`) || !strings.Contains(b.String(), `"age":0,`) {
		t.Error(b.String())
	}
}
