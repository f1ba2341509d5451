package hlssource

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// moments returns the keyframes for the times, in their order.
func moments(t testing.TB, s *Source, n int, times ...time.Duration) (list []keyframe.Moment) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	line, err := s.Timeline(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	line.Keyframes(ctx, times, n, func(m keyframe.Moment) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, m)
	})
	slices.SortFunc(list, func(a, b keyframe.Moment) int { return a.Times[0] - b.Times[0] })
	return list
}

// brief lists, for each moment, the indices of its times and the second that it
// shows.
func brief(list []keyframe.Moment) string {
	var words []string
	for _, m := range list {
		shown := m.At.Round(10 * time.Millisecond).String()
		if m.Err != nil {
			shown = "error"
		}
		words = append(words, fmt.Sprint(m.Times, shown))
	}
	return strings.Join(words, " ")
}

// onceOnly fails if a byte was requested twice.
func onceOnly(t testing.TB, asked []string) {
	t.Helper()
	seen := map[string]map[int64]bool{}
	for _, a := range asked {
		name, rng, _ := strings.Cut(a, " ")
		var from, to int64
		if n, _ := fmt.Sscanf(rng, "%d-%d", &from, &to); n < 2 {
			from, to = 0, 0 // a document
		}
		if seen[name] == nil {
			seen[name] = map[int64]bool{}
		}
		for b := from; b <= to; b++ {
			if seen[name][b] {
				t.Errorf("byte %d of %s was asked for twice: %q", b, name, asked)
				return
			}
			seen[name][b] = true
		}
	}
}

func everySecond(from, to int) (times []time.Duration) {
	for i := from; i < to; i++ {
		times = append(times, time.Duration(i)*time.Second)
	}
	return times
}

// TestTimeline: keyframes come every second, in segments of two. If times are
// far apart, the first keyframe of a transport stream segment serves.
func TestTimeline(t *testing.T) {
	sec := func(list ...float64) (times []time.Duration) {
		for _, s := range list {
			times = append(times, time.Duration(s*float64(time.Second)))
		}
		return times
	}
	for _, tt := range []struct {
		what  string
		times []time.Duration
		fmp4  string // what an index finds
		ts    string // "" if that is the same
	}{
		{"one exact time", sec(5.5), "[0]5s", ""},
		{"as far apart as keyframes", sec(0, 1, 2, 3), "[0]0s [1]1s [2]2s [3]3s", ""},
		{"two of the same keyframe", sec(1, 1.2, 1.4, 2.3, 2.6), "[0 1 2]1s [3 4]2s", ""},
		{"near enough", sec(1, 5, 9.5), "[0]1s [1]5s [2]9s", "[0]0s [1]4s [2]8s"},
		{"behind the end", sec(11, 3600), "[0 1]11s", ""},
		{"none", nil, "", ""},
	} {
		for _, name := range []string{"hls-ts", "hls-fmp4", "hls-byterange", "hls-fmp4-byterange"} {
			files := directory(t, testmedia.Make(t, name))
			web := newSite(t, files)
			list := moments(t, source(t, web.URL+"/index.m3u8", nil, nil), 3, tt.times...)
			want := tt.fmp4
			if !strings.Contains(name, "fmp4") && tt.ts != "" {
				want = tt.ts
			}
			if got := brief(list); got != want {
				t.Errorf("%s, %s: got %s, want %s", name, tt.what, got, want)
			}
			if onceOnly(t, web.took()); t.Failed() {
				t.Fatalf("%s, %s", name, tt.what)
			}
			for _, m := range list {
				one := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{At: m.At + time.Microsecond}, nil))
				if !bytes.Equal(m.Frame.Data, one.Data) {
					t.Errorf("%s, %s: not the keyframe that a grab at %v gives", name, tt.what, m.At)
				}
			}
		}
	}
}

// TestTimelineSplit: a segment without a keyframe takes that of the one before,
// which is fetched once.
func TestTimelineSplit(t *testing.T) {
	for _, name := range []string{"hls-split", "hls-split-fmp4"} {
		web := newSite(t, directory(t, testmedia.Make(t, name)))
		list := moments(t, source(t, web.URL+"/index.m3u8", nil, nil), 2, everySecond(0, 6)...)
		if got := brief(list); got != "[0]0s [1]0s [2]2s [3]2s [4]4s [5]4s" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// TestTimelineIFrames: each keyframe of an I-frame playlist is one range, and
// no segment of the rendition is fetched.
func TestTimelineIFrames(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-ts"))
	made["iframes.m3u8"] = iframesOf(t, made, "seg0.ts", "seg1.ts", "seg2.ts", "seg3.ts", "seg4.ts", "seg5.ts") + "#EXT-X-ENDLIST\n"
	made["master.m3u8"] = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS=\"avc1.64001e\"\nindex.m3u8\n" +
		"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,CODECS=\"avc1.64001e\",URI=\"iframes.m3u8\"\n"
	web := newSite(t, made)
	list := moments(t, source(t, web.URL+"/master.m3u8", nil, nil), 4, everySecond(0, 12)...)
	if len(list) != 12 || list[11].At != 11*time.Second || list[11].Err != nil {
		t.Errorf("got %s", brief(list))
	}
	asked := web.took()
	onceOnly(t, asked)
	want := rangesOf(t, made)
	slices.Sort(asked)
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("asked for (-want +got):\n%s", d)
	}
}

// rangesOf lists the ranges of all keyframes in iframes.m3u8.
func rangesOf(t testing.TB, files map[string]string) []string {
	want := []string{"master.m3u8", "iframes.m3u8"}
	for _, seg := range list(t, files, "iframes.m3u8").Segments {
		want = append(want, fmt.Sprintf("%s %d-%d", seg.URI.Text, seg.ByteRange.Offset, seg.ByteRange.Offset+seg.ByteRange.Length-1))
	}
	slices.Sort(want)
	return want
}

// TestTimelineMissing: a missing segment affects only its own times.
func TestTimelineMissing(t *testing.T) {
	web := newSite(t, directory(t, testmedia.Make(t, "hls-fmp4")))
	web.answers["seg2.m4s"] = status(http.StatusNotFound)
	list := moments(t, source(t, web.URL+"/index.m3u8", nil, nil), 2, everySecond(0, 12)...)
	if got := brief(list); !strings.Contains(got, "[3]3s [4 5]error [6]6s") || len(list) != 11 {
		t.Errorf("got %s", got)
	}
}

// TestTimelineEncrypted: the keyframes equal those of the stream in the clear.
// The key and the initialisation section are fetched once for all readers.
func TestTimelineEncrypted(t *testing.T) {
	for _, name := range []string{"hls-ts", "hls-fmp4"} {
		plain := directory(t, testmedia.Make(t, name))
		files := sealSegments(plain, 0)
		files["key"] = string(testKey)
		files["index.m3u8"] = strings.Replace(plain["index.m3u8"], "#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF", 1)
		clear, sealed := newSite(t, plain), newSite(t, files)
		times := everySecond(0, 12)
		want := moments(t, source(t, clear.URL+"/index.m3u8", nil, nil), 1, times...)
		got := moments(t, source(t, sealed.URL+"/index.m3u8", nil, nil), 4, times...)
		if brief(got) != brief(want) || len(got) != 12 {
			t.Fatalf("%s: got %s, want %s", name, brief(got), brief(want))
		}
		for i := range got {
			if !bytes.Equal(got[i].Frame.Data, want[i].Frame.Data) {
				t.Errorf("%s: another picture at %v", name, got[i].At)
			}
		}
		onceOnly(t, sealed.took())
	}
}

// TestTimelineBudget: times beyond the budget fail, and each time is delivered.
func TestTimelineBudget(t *testing.T) {
	web := newSite(t, directory(t, testmedia.Make(t, "hls-ts")))
	list := moments(t, source(t, web.URL+"/index.m3u8", nil, &fetch.Options{MaxBytes: 100_000}), 2, everySecond(0, 12)...)
	told := 0
	for _, m := range list {
		told += len(m.Times)
	}
	if told != 12 || list[0].Err != nil || list[len(list)-1].Err == nil {
		t.Errorf("got %s", brief(list))
	}
}

// TestTimelineLive: the window's times begin with its first segment.
func TestTimelineLive(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-fmp4"))
	files["index.m3u8"] = strings.Replace(strings.Replace(strings.Replace(files["index.m3u8"],
		"#EXT-X-ENDLIST", "", 1), "#EXT-X-PLAYLIST-TYPE:VOD", "", 1), "#EXTINF:2.000000,\nseg0.m4s\n", "", 1)
	web := newSite(t, files)
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	s := source(t, web.URL+"/index.m3u8", nil, nil)
	line, err := s.Timeline(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !line.Live || line.Duration != 10*time.Second {
		t.Errorf("live %v, of %v", line.Live, line.Duration)
	}
	if got := brief(moments(t, s, 2, 0, 5*time.Second)); got != "[0]0s [1]5s" {
		t.Errorf("got %s", got)
	}
}

// TestErrands: each set of times leads to these segments.
func TestErrands(t *testing.T) {
	m := &hls.Media{}
	for i, gap := range []bool{false, false, true, false} {
		m.Segments = append(m.Segments, hls.Segment{Sequence: int64(i), Start: time.Duration(i) * 2 * time.Second, Duration: 2 * time.Second, Gap: gap})
	}
	for _, tt := range []struct {
		times string
		want  string
	}{
		{"", ""},
		{"0s", "0[0]"},
		{"0s 1s 2s", "0[0 1] 1[2]"},
		{"1.9995s", "1[0]"}, // counts as 2 s, within a millisecond
		{"3s 5s 7s", "1[0 1] 3[2]"},
		{"100h", "3[0]"},
	} {
		var times []time.Duration
		for _, text := range strings.Fields(tt.times) {
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, d)
		}
		var got []string
		for _, e := range errands(m, times) {
			got = append(got, fmt.Sprintf("%d%v", e.segment.Sequence, e.times))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%q: %s, want %s", tt.times, s, tt.want)
		}
	}
}
