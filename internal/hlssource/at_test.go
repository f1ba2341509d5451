package hlssource

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// TestAt: a grab at a time finds its keyframe, with one every second in
// segments of two, and with one every other second, so that every other segment
// has none.
func TestAt(t *testing.T) {
	every := []struct {
		at   time.Duration
		want int // index of the keyframe
	}{
		{time.Millisecond, 0},
		{900 * time.Millisecond, 0},
		{time.Second, 1},
		{1999 * time.Millisecond, 2}, // counts as 2 s, within a millisecond
		{2 * time.Second, 2},
		{5500 * time.Millisecond, 5},
		{11900 * time.Millisecond, 11},
		{12 * time.Second, 11},
		{12900 * time.Millisecond, 11}, // within a second of the end
		{-time.Millisecond, 11},
		{-2500 * time.Millisecond, 9},
		{-12 * time.Second, 0},
	}
	other := every[:0:0]
	for _, tt := range every[:6] {
		tt.want = min(int((tt.at+time.Millisecond)/(2*time.Second)), 2)
		other = append(other, tt)
	}
	for _, name := range []string{"hls-ts", "hls-fmp4", "hls-byterange", "hls-fmp4-byterange", "hls-split", "hls-split-fmp4"} {
		t.Run(name, func(t *testing.T) {
			files := directory(t, testmedia.Make(t, name))
			web := newSite(t, files)
			tests, gop := every, time.Second
			if strings.HasPrefix(name, "hls-split") {
				tests, gop = other, 2*time.Second
			}
			start := mustGrab(t, source(t, web.URL+"/index.m3u8", nil, nil)).PTS
			for _, tt := range tests {
				f := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{At: tt.at}, nil))
				if got := f.PTS - start; got != time.Duration(tt.want)*gop {
					t.Errorf("at %v: the keyframe at %v, want %v", tt.at, got, time.Duration(tt.want)*gop)
				}
			}
		})
	}
}

// TestAtPicture: a grab at a time returns exactly the expected picture.
func TestAtPicture(t *testing.T) {
	for _, name := range []string{"hls-ts", "hls-fmp4"} {
		files := directory(t, testmedia.Make(t, name))
		web := newSite(t, files)
		f := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{At: 5500 * time.Millisecond}, nil))
		seg := list(t, files, "index.m3u8").Segments[2]
		want := testmedia.Hashes(t, whole(t, files, &seg), "-skip_frame", "nokey")
		if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(want) != 2 || len(got) != 1 || got[0] != want[1] {
			t.Errorf("%s: pictures %q, want the second of %q", name, got, want)
		}
	}
}

// TestAtDated: a keyframe's time of day counts from the start of its segment.
func TestAtDated(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-dated"))
	web := newSite(t, files)
	first := list(t, files, "index.m3u8").Segments[0].ProgramDateTime
	f := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{At: 5500 * time.Millisecond}, nil))
	if got := f.Time.Sub(first).Round(time.Millisecond); got != 5*time.Second {
		t.Errorf("taken %v after the start, want 5s", got)
	}
}

// TestAtCost: from fMP4, a grab at a time fetches only the index and one
// keyframe.
func TestAtCost(t *testing.T) {
	web := newSite(t, directory(t, testmedia.Make(t, "hls-1080p-fmp4")))
	f := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{At: 4500 * time.Millisecond}, nil))
	var bytes int64
	for _, a := range web.took() {
		if name, rng, _ := strings.Cut(a, " "); name == "seg0.m4s" {
			bytes += length(t, rng)
		}
	}
	if slack := bytes - int64(len(f.Data)); slack > 16<<10 {
		t.Errorf("%d bytes for a keyframe of %d", bytes, len(f.Data))
	}
}

func TestAtFaults(t *testing.T) {
	split := directory(t, testmedia.Make(t, "hls-split"))
	missing := func(list ...string) map[string]http.HandlerFunc {
		answers := map[string]http.HandlerFunc{}
		for _, name := range list {
			answers[name+".ts"] = http.NotFound
		}
		return answers
	}
	late := strings.Replace(split["index.m3u8"], "#EXTINF:1.000000,\nseg0.ts\n", "", 1)
	tests := []struct {
		name, playlist string
		at             time.Duration
		answers        map[string]http.HandlerFunc
		asked          string
		keyframe       string // the segment whose first keyframe it is; "" for an error
	}{
		{"without keyframe", split["index.m3u8"], 3500 * time.Millisecond, nil, "seg3 seg2", "seg2"},
		{"missing", split["index.m3u8"], 4500 * time.Millisecond, missing("seg4"), "seg4 seg3 seg2", "seg2"},
		{"two missing", split["index.m3u8"], 4500 * time.Millisecond, missing("seg4", "seg3"), "seg4 seg3", ""},
		{"before the first keyframe", late, 500 * time.Millisecond, nil, "seg1 seg2", "seg2"},
		{"the first missing", split["index.m3u8"], 500 * time.Millisecond, missing("seg0"), "seg0 seg1", ""},
		{"not authorised", split["index.m3u8"], 4500 * time.Millisecond, map[string]http.HandlerFunc{"seg4.ts": status(401)}, "seg4", ""},
		{"live", strings.ReplaceAll(strings.Replace(split["index.m3u8"], ended, "", 1), "#EXT-X-PLAYLIST-TYPE:VOD\n", ""), time.Second, nil, "seg1 seg0", "seg0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			for name, data := range split {
				files[name] = data
			}
			files["index.m3u8"] = tt.playlist
			web := newSite(t, files)
			web.answers = tt.answers
			f, err := try(t, source(t, web.URL+"/index.m3u8", &Options{At: tt.at}, nil))
			if got := strings.ReplaceAll(names(web.took()), ".ts", ""); got != "index.m3u8 "+tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
			switch {
			case tt.keyframe == "" && err == nil:
				t.Error("no error")
			case tt.keyframe != "" && err != nil:
				t.Error(err)
			case tt.keyframe != "" && f.PTS != firstPTS(t, split[tt.keyframe+".ts"]):
				t.Errorf("PTS %v is not that of %s", f.PTS, tt.keyframe)
			}
		})
	}
}

// TestAtBudget: if the byte budget runs out, an earlier keyframe is not
// returned as the last one.
func TestAtBudget(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	web := newSite(t, files)
	limit := tsEnd(t, []byte(files["seg1.ts"])) + 20_000
	s := source(t, web.URL+"/index.m3u8", &Options{At: 3500 * time.Millisecond}, &fetch.Options{MaxBytes: limit})
	f, err := try(t, s)
	if f != nil || !errors.Is(err, fetch.ErrBudget) || !errors.Is(err, keyframe.ErrNotFound) {
		t.Errorf("frame %v, %v", f != nil, err)
	}
}
