package hlssource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// inTurn takes keyframes until the end, at most as many as most.
func inTurn(t testing.TB, s *Source, most int) (list []*keyframe.Frame, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	s.client.StartJob()
	err = s.Keyframes(ctx, func(f *keyframe.Frame) bool {
		list = append(list, f)
		return len(list) < most
	})
	return list, err
}

const toTheEnd = 1 << 20

// keyTimes lists when keyframes are shown, in seconds after the first.
func keyTimes(t testing.TB, list []*keyframe.Frame) (times []float64) {
	t.Helper()
	for _, f := range list {
		times = append(times, (f.PTS - list[0].PTS).Seconds())
	}
	return times
}

// TestKeyframesOfRecordings: keyframes come to the end, from the start or from
// a time. In fMP4 these are all keyframes, a second apart. In transport stream
// segments of 2 s they are the first ones, and all of the last segment. No byte
// is fetched twice.
func TestKeyframesOfRecordings(t *testing.T) {
	every := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	firsts := []float64{0, 2, 4, 6, 8, 10, 11}
	for _, tt := range []struct {
		name string
		at   time.Duration
		want []float64
	}{
		{"hls-fmp4", 0, every},
		{"hls-fmp4", 3500 * time.Millisecond, every[:9]},
		{"hls-fmp4-byterange", 0, every},
		{"hls-ts", 0, firsts},
		{"hls-byterange", 7 * time.Second, []float64{0, 1, 3, 4}},
		// A GOP of 2 s in segments of 1 s.
		{"hls-split", 0, []float64{0, 2, 4}},
		{"hls-split-fmp4", 0, []float64{0, 2, 4}},
	} {
		path := testmedia.Make(t, tt.name)
		files := directory(t, path)
		size := 0
		for _, data := range files {
			size += len(data)
		}
		for _, conf := range []string{"", "max_ranges 0;"} {
			m := new(meter.Counter)
			base := testserver.Nginx(t, filepath.Dir(path), conf)
			s := source(t, base+"/index.m3u8", &Options{At: tt.at}, &fetch.Options{Meter: m})
			list, err := inTurn(t, s, toTheEnd)
			if got := keyTimes(t, list); !slices.Equal(got, tt.want) {
				t.Errorf("%s %s: keyframes at %v, want %v", tt.name, conf, got, tt.want)
			}
			if !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), "the recording ends") {
				t.Errorf("%s %s: %v", tt.name, conf, err)
			}
			if spent := m.Read(); conf == "" && spent.Down > int64(size+500*spent.Requests) {
				t.Errorf("%s: %d bytes of %d came", tt.name, spent.Down, size)
			}
			var joined []byte
			for _, f := range list {
				joined = append(joined, f.Data...)
			}
			if sums := testmedia.Hashes(t, joined, "-f", "h264"); len(sums) != len(list) {
				t.Errorf("%s %s: %d pictures of %d keyframes", tt.name, conf, len(sums), len(list))
			}
		}
	}
}

// TestKeyframesCost: each further keyframe costs its own range of an fMP4
// segment, or the beginning of another transport stream segment, and no
// playlist.
func TestKeyframesCost(t *testing.T) {
	for _, tt := range []struct{ name, first, second, third string }{
		{"hls-fmp4", "index.m3u8 init.mp4 seg0.m4s", "seg0.m4s", "seg1.m4s"},
		{"hls-ts", "index.m3u8 seg0.ts", "seg1.ts", "seg2.ts"},
	} {
		web := newSite(t, directory(t, testmedia.Make(t, tt.name)))
		s := source(t, web.URL+"/index.m3u8", nil, nil)
		want := []string{tt.first, tt.second, tt.third}
		n := 0
		err := s.Keyframes(t.Context(), func(f *keyframe.Frame) bool {
			asked := web.took()
			if got := names(asked); got != want[n] {
				t.Errorf("%s, keyframe %d: asked for %q, want %q", tt.name, n, asked, want[n])
			}
			if tt.name == "hls-fmp4" && n == 1 && len(asked) != 1 {
				t.Errorf("the second one took %q", asked)
			}
			n++
			return n < len(want)
		})
		if err != nil || n != len(want) {
			t.Errorf("%s: %d, %v", tt.name, n, err)
		}
	}
}

// TestKeyframesOfLive: every new segment of a live stream gives a keyframe
// once, whatever edge was requested, even if the server restarts its numbering.
func TestKeyframesOfLive(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	for _, tt := range []struct {
		name  string
		o     Options
		lists []string // segments of the successive playlists
		from  []int    // media sequence numbers
		want  []string
	}{
		{"one at a time", Options{}, []string{"01", "01", "012", "0123"}, []int{0, 0, 0, 0}, []string{"seg1.ts", "seg2.ts", "seg3.ts"}},
		{"several at a time", Options{}, []string{"0", "123", "345"}, []int{0, 1, 3}, []string{"seg0.ts", "seg1.ts", "seg2.ts", "seg3.ts", "seg4.ts", "seg5.ts"}},
		{"fallen behind", Options{}, []string{"0", "34"}, []int{0, 3}, []string{"seg0.ts", "seg3.ts", "seg4.ts"}},
		{"next", Options{Edge: hls.EdgeNext}, []string{"0", "012", "0123"}, []int{0, 0, 0}, []string{"seg2.ts", "seg3.ts"}},
		{"last", Options{Edge: hls.EdgeLast}, []string{"0", "012"}, []int{0, 0}, []string{"seg0.ts", "seg1.ts", "seg2.ts"}},
		{"begun anew", Options{}, []string{"23", "0", "01"}, []int{100, 0, 0}, []string{"seg3.ts", "seg0.ts", "seg1.ts"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			web := newSite(t, files)
			asked := 0
			web.answers = map[string]http.HandlerFunc{"live.m3u8": func(w http.ResponseWriter, _ *http.Request) {
				n := min(asked, len(tt.lists)-1)
				asked++
				fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXT-X-MEDIA-SEQUENCE:%d\n", tt.from[n])
				for _, c := range tt.lists[n] {
					fmt.Fprintf(w, "#EXTINF:2,\nseg%c.ts\n", c)
				}
			}}
			s := source(t, web.URL+"/live.m3u8", &tt.o, nil)
			list, err := inTurn(t, s, len(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			for i, name := range tt.want {
				want := firstPTS(t, files[name])
				if tt.o.Edge == hls.EdgeLast && i == 0 {
					want += time.Second
				}
				if list[i].PTS != want {
					t.Errorf("keyframe %d at %v, want %v of %s", i, list[i].PTS, want, name)
				}
			}
			// The keyframe delivered last is not newer.
			s.opts.IfNewer, s.opts.Edge = true, hls.EdgeFirst
			if _, err := try(t, s); !errors.Is(err, keyframe.ErrNotModified) {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// TestKeyframesOfParts: keyframes come from the parts that begin with one,
// within the segment in the making and after it, and from whole segments whose
// parts are not listed.
func TestKeyframesOfParts(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	web := newSite(t, files)
	head := "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n"
	part := func(n int, flags string) string {
		return fmt.Sprintf("#EXT-X-PART:DURATION=1,URI=\"seg%d.ts\"%s\n", n, flags)
	}
	const key = ",INDEPENDENT=YES"
	answers := map[string]string{
		"":                       "#EXTINF:2,\nold.ts\n" + part(0, key) + part(9, ""),
		"_HLS_msn=1&_HLS_part=2": "#EXTINF:2,\nold.ts\n" + part(0, key) + part(9, "") + part(1, key),
		"_HLS_msn=1&_HLS_part=3": "#EXTINF:2,\nold.ts\n#EXTINF:4,\nold.ts\n#EXTINF:2,\nseg2.ts\n" + part(8, "") + part(3, key),
	}
	web.answers = map[string]http.HandlerFunc{"live.m3u8": func(w http.ResponseWriter, r *http.Request) {
		text, known := answers[r.URL.RawQuery]
		if !known {
			t.Errorf("asked for %q", r.URL.RawQuery)
		}
		fmt.Fprint(w, head+text)
	}}
	list, err := inTurn(t, source(t, web.URL+"/live.m3u8", nil, nil), 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range list {
		if want := firstPTS(t, files[fmt.Sprintf("seg%d.ts", i)]); f.PTS != want {
			t.Errorf("keyframe %d at %v, want %v", i, f.PTS, want)
		}
	}
}

// TestKeyframesOfIFrames: each entry of the I-frame playlist takes one range.
func TestKeyframesOfIFrames(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	files["iframes.m3u8"] = iframesOf(t, files, "seg0.ts", "seg1.ts") + ended
	files["master.m3u8"] = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nindex.m3u8\n" +
		"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,URI=\"iframes.m3u8\"\n"
	web := newSite(t, files)
	list, err := inTurn(t, source(t, web.URL+"/master.m3u8", nil, nil), toTheEnd)
	if got := keyTimes(t, list); !slices.Equal(got, []float64{0, 1, 2, 3}) || !errors.Is(err, keyframe.ErrNotFound) {
		t.Errorf("at %v, %v", got, err)
	}
	if asked := web.took(); len(asked) != 6 {
		t.Errorf("asked for %q", asked)
	}
}

// TestKeyframesOfTiles: the tiles come one after the other, and each image is
// fetched once.
func TestKeyframesOfTiles(t *testing.T) {
	files := tiledFiles(t)
	files["tiles.m3u8"] += ended
	web := newSite(t, files)
	o := allowed(160)
	o.At = 4 * time.Second
	list, err := inTurn(t, source(t, web.URL+"/master.m3u8", o, nil), toTheEnd)
	if !errors.Is(err, keyframe.ErrNotFound) {
		t.Error(err)
	}
	var got []string
	for i, f := range list {
		got = append(got, describeTile(t, files, f))
		if i > 0 && &f.Data[0] == &list[i-1].Data[0] {
			t.Errorf("tile %d shares its data", i)
		}
	}
	if len(got) != 16 || got[0] != "grid0.jpg (160,90) 00:00:04" || got[3] != "grid1.jpg (160,0) 00:00:07" || got[15] != "grid3.jpg (160,0) 00:00:19" {
		t.Errorf("tiles %q", got)
	}
	if got := names(web.took()); got != "master.m3u8 tiles.m3u8 grid0.jpg grid1.jpg grid2.jpg grid3.jpg" {
		t.Errorf("asked for %q", got)
	}
}

// TestKeyframesFaults: useless segments are skipped, but not without end, and
// the byte budget is for all of them.
func TestKeyframesFaults(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-ts"))
	for _, tt := range []struct {
		name  string
		spoil []string
		want  []float64
		is    error
		code  int
		bytes int64
	}{
		{"one missing", []string{"seg1.ts"}, []float64{0, 4, 6, 8, 10, 11}, keyframe.ErrNotFound, 0, 0},
		{"three missing", []string{"seg2.ts", "seg3.ts", "seg4.ts"}, []float64{0, 2}, nil, http.StatusNotFound, 0},
		{"the last missing", []string{"seg5.ts"}, []float64{0, 2, 4, 6, 8}, keyframe.ErrNotFound, 0, 0},
		{"the budget", nil, []float64{0, 2}, fetch.ErrBudget, 0, 30_000},
	} {
		files := map[string]string{}
		for name, data := range made {
			if !slices.Contains(tt.spoil, name) {
				files[name] = data
			}
		}
		web := newSite(t, files)
		list, err := inTurn(t, source(t, web.URL+"/index.m3u8", nil, &fetch.Options{MaxBytes: tt.bytes}), toTheEnd)
		var status *fetch.StatusError
		if got := keyTimes(t, list); !slices.Equal(got, tt.want) {
			t.Errorf("%s: keyframes at %v, want %v", tt.name, got, tt.want)
		}
		if tt.is != nil && !errors.Is(err, tt.is) || tt.code != 0 && (!errors.As(err, &status) || status.Code != tt.code) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestKeyframesReadOn: once the keyframe of a segment has come, the segment is
// read on after the time limit for one rendition.
func TestKeyframesReadOn(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-fmp4"))
	files["master.m3u8"] = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000\nindex.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=700000\nother.m3u8\n"
	web := newSite(t, files)
	list, err := inTurn(t, source(t, web.URL+"/master.m3u8", nil, nil), 3)
	if got := keyTimes(t, list); err != nil || !slices.Equal(got, []float64{0, 1, 2}) {
		t.Errorf("at %v, %v", got, err)
	}
}
