package kfgrab_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// inTurn takes snapshots until there is an error, at most as many as most.
func inTurn(t *testing.T, s *kfgrab.Stream, most int) (list []*kfgrab.Snapshot, err error) {
	t.Helper()
	for snap, err := range s.Keyframes(within(t, testTime)) {
		if err != nil {
			if snap != nil {
				t.Error("a snapshot and an error")
			}
			return list, err
		}
		if list = append(list, snap); len(list) == most {
			break
		}
	}
	return list, nil
}

// TestKeyframesFormats: all keyframes of a file come, from disk, from a pipe and
// over HTTP, and then ErrNotFound.
func TestKeyframesFormats(t *testing.T) {
	for _, tt := range formats {
		path := testmedia.Make(t, tt.name)
		data := read(t, path)
		server := serve(t, filepath.Dir(path), nil)
		count := len(testmedia.Hashes(t, data, "-skip_frame", "nokey"))
		for url, o := range map[string]*kfgrab.Options{
			path: nil, "-": {Stdin: bytes.NewReader(data)}, server.URL + "/" + filepath.Base(path): nil,
		} {
			list, err := inTurn(t, open(t, url, o), count+1)
			if len(list) != count || !errors.Is(err, keyframe.ErrNotFound) || kfgrab.ClassOf(err) != kfgrab.NoKeyframe || !strings.Contains(err.Error(), ": no keyframe after the last one") {
				t.Errorf("%s: %d of %d, %v", url, len(list), count, err)
				continue
			}
			for i, snap := range list[1:] {
				if before := list[i]; snap.Cost.Down < before.Cost.Down || snap.Cost.Elapsed < before.Cost.Elapsed || snap.URL != before.URL || snap.Taken.Before(before.Taken) {
					t.Errorf("%s: %+v behind %+v", url, snap.Cost, before.Cost)
				}
			}
		}
	}
}

// TestKeyframesOrigin: on a live stream, Next waits for further keyframes, and
// the stream can be grabbed again afterwards.
func TestKeyframesOrigin(t *testing.T) {
	o := startOrigin(t)
	for _, url := range []string{o.HLS(origin.TS), o.HLS(origin.FMP4), o.RTSP(keyframe.H264), o.RTSP(keyframe.H265)} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			s := open(t, url, nil)
			list, err := inTurn(t, s, 3)
			if err != nil || len(list) != 3 {
				t.Fatal(len(list), err)
			}
			for i, snap := range list[1:] {
				before := list[i]
				later := snap.MediaTime.After(before.MediaTime)
				if snap.RTSP != nil {
					later = snap.Frame.PTS > before.Frame.PTS && snap.RTSP.Packets > before.RTSP.Packets
				}
				if !later {
					t.Errorf("%v, %v behind %v, %v", snap.MediaTime, snap.Frame.PTS, before.MediaTime, before.Frame.PTS)
				}
				if sums := testmedia.Hashes(t, snap.Frame.Data, "-f", snap.Frame.Codec.String()); len(sums) != 1 {
					t.Errorf("%d pictures", len(sums))
				}
			}
			if _, err := s.Grab(within(t, testTime)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKeyframesErrors: an unwanted codec or a fault yields no snapshot.
func TestKeyframesErrors(t *testing.T) {
	path := testmedia.Make(t, "h264.ts")
	list, err := inTurn(t, open(t, path, &kfgrab.Options{Codec: keyframe.H265}), 9)
	if len(list) > 0 || !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), "not hevc") {
		t.Errorf("%d, %v", len(list), err)
	}
	for _, url := range []string{path + ".missing", "http://127.0.0.1:1/x.m3u8", "rtsp://127.0.0.1:1/x"} {
		if list, err := inTurn(t, open(t, url, nil), 9); len(list) > 0 || err == nil || !strings.Contains(err.Error(), url) {
			t.Errorf("%s: %d, %v", url, len(list), err)
		}
	}
}
