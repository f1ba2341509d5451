package hlssource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// tracks lists types and codecs.
func tracks(list []keyframe.Track) string {
	var names []string
	for _, t := range list {
		names = append(names, t.Type+" "+t.Codec)
	}
	return strings.Join(names, ", ")
}

// TestProbeLadder: a probe takes one keyframe of every rendition, and a missing
// rendition does not hide the others.
func TestProbeLadder(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ladder"))
	files["master.m3u8"] = strings.Replace(files["master.m3u8"], "1.m3u8", "gone.m3u8", 1)
	web := newSite(t, files)
	list, err := source(t, web.URL+"/master.m3u8", nil, nil).Probe(t.Context())
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	for i, height := range []int{360, 0, 90} {
		p := list[i]
		var status *fetch.StatusError
		if p.Variant == nil || p.Info.Height != height || height == 0 != errors.As(p.Err, &status) {
			t.Errorf("%d: height %d, want %d; %v", i, p.Info.Height, height, p.Err)
		}
		if got := tracks(p.Tracks); height > 0 && (got != "video h264, audio aac" || p.Codec != keyframe.H264) {
			t.Errorf("%d: %v, tracks %q", i, p.Codec, got)
		}
	}
	if got := names(web.took()); got != "master.m3u8 0.m3u8 0-0.ts gone.m3u8 2.m3u8 2-0.ts" {
		t.Errorf("asked for %q", got)
	}
}

// TestProbeSection: if an initialisation section suffices, no segment is
// fetched.
func TestProbeSection(t *testing.T) {
	web := newSite(t, directory(t, testmedia.Make(t, "hls-h265")))
	list, err := source(t, web.URL+"/index.m3u8", nil, nil).Probe(t.Context())
	if err != nil || len(list) != 1 || list[0].Variant != nil {
		t.Fatal(list, err)
	}
	p := list[0]
	if p.Codec != keyframe.H265 || p.Info.Width != 640 || p.Info.Height != 360 || tracks(p.Tracks) != "video hevc, audio aac" {
		t.Errorf("%v %dx%d, tracks %q", p.Codec, p.Info.Width, p.Info.Height, tracks(p.Tracks))
	}
	if got := names(web.took()); got != "index.m3u8 init.mp4" {
		t.Errorf("asked for %q", got)
	}
}

// TestProbeAudio: a stream without pictures still has its tracks.
func TestProbeAudio(t *testing.T) {
	for _, name := range []string{"hls-audio", "hls-audio-fmp4"} {
		web := newSite(t, directory(t, testmedia.Make(t, name)))
		s := source(t, web.URL+"/index.m3u8", nil, nil)
		list, err := s.Probe(t.Context())
		if err != nil || len(list) != 1 || tracks(list[0].Tracks) != "audio aac" || !errors.Is(list[0].Err, keyframe.ErrNotFound) {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
		if _, err := try(t, s); !errors.Is(err, keyframe.ErrNotFound) {
			t.Errorf("%s: grab: %v", name, err)
		}
	}
}

func TestProbeFaults(t *testing.T) {
	web := newSite(t, map[string]string{"empty.m3u8": "#EXTM3U\n", "master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nslow.m3u8\n"})
	if _, err := source(t, web.URL+"/empty.m3u8", nil, nil).Probe(t.Context()); !errors.Is(err, keyframe.ErrNotFound) {
		t.Errorf("empty: %v", err)
	}
	if _, err := source(t, web.URL+"/none.m3u8", nil, nil).Probe(t.Context()); err == nil {
		t.Error("missing: no error")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	web.answers["slow.m3u8"] = func(_ http.ResponseWriter, r *http.Request) {
		cancel(errStopped)
		<-r.Context().Done()
	}
	if list, err := source(t, web.URL+"/master.m3u8", nil, nil).Probe(ctx); list != nil || !errors.Is(err, errStopped) {
		t.Errorf("stopped: %v, %v", list, err)
	}
}

// TestProbeMany: a probe fetches a bounded number of renditions, however many
// the master playlist lists.
func TestProbeMany(t *testing.T) {
	var b strings.Builder
	b.WriteString("#EXTM3U\n")
	for i := range 2 * maxProbed {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d\n%d.m3u8\n", i, i)
	}
	web := newSite(t, map[string]string{"master.m3u8": b.String()})
	list, err := source(t, web.URL+"/master.m3u8", nil, nil).Probe(t.Context())
	if n := len(web.took()); err != nil || len(list) != maxProbed || n != maxProbed+1 {
		t.Errorf("%d renditions, %d requests, %v", len(list), n, err)
	}
}
