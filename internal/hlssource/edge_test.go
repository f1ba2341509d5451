package hlssource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
	"github.com/kfgrab/kfgrab/ts"
)

func TestBlockingReloadKeepsTheQuery(t *testing.T) {
	for _, tt := range []struct {
		in    string
		parts bool
		want  string
	}{
		{"http://h/a.m3u8", true, "http://h/a.m3u8?_HLS_msn=7&_HLS_part=2"},
		{"http://h/a.m3u8?t=b%2Fc", false, "http://h/a.m3u8?t=b%2Fc&_HLS_msn=7"},
	} {
		if got := blockingURL(parseURL(t, tt.in), hls.Place{Sequence: 7, Part: 2}, tt.parts).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestEdgeLast: the last edge gives the last keyframe of the newest segment,
// read from the end of a transport stream or by the index of fMP4, with and
// without ranges.
func TestEdgeLast(t *testing.T) {
	for _, name := range []string{"hls-ts", "hls-fmp4", "hls-byterange"} {
		t.Run(name, func(t *testing.T) {
			files := directory(t, testmedia.Make(t, name))
			files["index.m3u8"] = strings.Replace(strings.Replace(files["index.m3u8"], "#EXT-X-ENDLIST", "", 1), "#EXT-X-PLAYLIST-TYPE:VOD\n", "", 1)
			segments := list(t, files, "index.m3u8").Segments
			seg := segments[len(segments)-1]
			want := testmedia.Hashes(t, whole(t, files, &seg))
			web := newSite(t, files)
			f := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{Edge: hls.EdgeLast}, nil))
			got := testmedia.Hashes(t, f.Data, "-f", f.Codec.String())
			// Keyframes are a second apart: the last one is picture 25 of 50.
			if len(got) != 1 || got[0] != want[25] {
				t.Errorf("not the last keyframe of %s", seg.URI)
			}
		})
	}
}

// TestEdgeNext: a live playlist that grows by one segment at a time is
// requested until a segment has begun after the grab.
func TestEdgeNext(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	var asked atomic.Int32
	web := newSite(t, files)
	web.answers = map[string]http.HandlerFunc{"live.m3u8": func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1))
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXT-X-MEDIA-SEQUENCE:0\n")
		for i := range min(n, 5) {
			fmt.Fprintf(w, "#EXTINF:0.1,\nseg%d.ts\n", i)
		}
	}}
	f := mustGrab(t, source(t, web.URL+"/live.m3u8", &Options{Edge: hls.EdgeNext}, nil))
	// The first answer lists seg0. seg1 is in the making, seg2 begins after it.
	if want := firstPTS(t, files["seg2.ts"]); f.PTS != want {
		t.Errorf("PTS %v, want %v of seg2", f.PTS, want)
	}
}

// TestEdgeNextBlocks: with blocking reload, the request names the next segment,
// and the server answers once it has it.
func TestEdgeNextBlocks(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	web := newSite(t, files)
	var queries []string
	web.answers = map[string]http.HandlerFunc{"live.m3u8": func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n#EXT-X-MEDIA-SEQUENCE:0\n")
		for i := range len(queries) {
			fmt.Fprintf(w, "#EXTINF:2,\nseg%d.ts\n", i)
		}
	}}
	f := mustGrab(t, source(t, web.URL+"/live.m3u8?k=1", &Options{Edge: hls.EdgeNext}, nil))
	if want := firstPTS(t, files["seg2.ts"]); f.PTS != want {
		t.Errorf("PTS %v, want %v of seg2", f.PTS, want)
	}
	if got := strings.Join(queries, " "); got != "k=1 k=1&_HLS_msn=1 k=1&_HLS_msn=2" {
		t.Errorf("asked for %q", got)
	}
}

// TestEdgeNextEnds: the wait ends with the context, or with the stream.
func TestEdgeNextEnds(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	files["live.m3u8"] = live
	web := newSite(t, files)
	ctx, cancel := context.WithCancelCause(t.Context())
	web.answers = map[string]http.HandlerFunc{"live.m3u8": func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, live)
		cancel(errStopped)
	}}
	_, err := source(t, web.URL+"/live.m3u8", &Options{Edge: hls.EdgeNext}, nil).Keyframe(ctx)
	if !errors.Is(err, errStopped) {
		t.Errorf("got %v", err)
	}
	first := true
	web.answers["live.m3u8"] = func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Replace(live, "TARGETDURATION:2", "TARGETDURATION:0", 1))
		if !first {
			fmt.Fprint(w, ended)
		}
		first = false
	}
	_, err = try(t, source(t, web.URL+"/live.m3u8", &Options{Edge: hls.EdgeNext}, nil))
	if !errors.Is(err, keyframe.ErrNotFound) || !strings.Contains(err.Error(), "ended") {
		t.Errorf("got %v", err)
	}
}

// iframesOf writes the I-frame playlist of transport stream segments: for each
// keyframe, the bytes from its first packet to the first packet of the next
// picture.
func iframesOf(t *testing.T, files map[string]string, names ...string) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:1\n#EXT-X-I-FRAMES-ONLY\n")
	for _, name := range names {
		data := []byte(files[name])
		r := ts.NewReader(bytes.NewReader(data), nil)
		for {
			f, err := r.Keyframe()
			if err != nil {
				break
			}
			from, to := extent(t, data, f)
			fmt.Fprintf(&out, "#EXTINF:1,\n#EXT-X-BYTERANGE:%d@%d\n%s\n", to-from, from, name)
		}
	}
	return out.String()
}

// extent finds the packets of a keyframe by its presentation time.
func extent(t *testing.T, data []byte, f *keyframe.Frame) (from, to int) {
	t.Helper()
	from = -1
	for at := 0; at < len(data); at += 188 {
		if pid := int(data[at+1]&0x1f)<<8 | int(data[at+2]); pid != 0x100 || data[at+1]&0x40 == 0 {
			continue
		}
		if from >= 0 {
			return from, at
		}
		one, err := ts.NewReader(bytes.NewReader(data[at:]), nil).Keyframe()
		if err == nil && one.PTS == f.PTS && bytes.Contains(data[at:at+188], []byte{0, 0, 1, 0x67}) {
			from = at
		}
	}
	if from < 0 {
		t.Fatal("the keyframe's packets were not found")
	}
	return from, len(data)
}

// TestIFramePlaylist: the newest entry is fetched in one range instead of the
// segment. If the I-frame playlist is useless, the segments serve.
func TestIFramePlaylist(t *testing.T) {
	made := directory(t, testmedia.Make(t, "hls-ts"))
	master := func(size string) string {
		return "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.64001e,mp4a.40.2\"\nlive.m3u8\n" +
			"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=" + size + ",CODECS=\"avc1.64001e\",URI=\"iframes.m3u8\"\n"
	}
	list := iframesOf(t, made, "seg1.ts", "seg2.ts")
	tests := []struct {
		name, master, iframes string
		width                 int
		asked                 string
	}{
		{"newest", master("640x360"), list, 0, "master.m3u8 iframes.m3u8 seg2.ts"},
		{"too small", master("320x180"), list, 0, "master.m3u8 live.m3u8 seg2.ts"},
		{"small enough", master("320x180"), list, 300, "master.m3u8 iframes.m3u8 seg2.ts"},
		{"empty", master("640x360"), "#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n", 0, "master.m3u8 iframes.m3u8 live.m3u8 seg2.ts"},
		{"missing", master("640x360"), "", 0, "master.m3u8 iframes.m3u8 live.m3u8 seg2.ts"},
		{"of P pictures", master("640x360"), "#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:1,\n#EXT-X-BYTERANGE:1880@188000\nseg1.ts\n", 0, "master.m3u8 iframes.m3u8 seg1.ts live.m3u8 seg2.ts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := directory(t, testmedia.Make(t, "hls-ts"))
			files["master.m3u8"], files["live.m3u8"] = tt.master, live
			if tt.iframes != "" {
				files["iframes.m3u8"] = tt.iframes
			}
			web := newSite(t, files)
			s := source(t, web.URL+"/master.m3u8", &Options{PickOptions: hls.PickOptions{Width: tt.width}}, nil)
			f := mustGrab(t, s)
			if got := names(web.took()); got != tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
			want := testmedia.Hashes(t, []byte(files["seg2.ts"]))
			index := 0
			if strings.HasPrefix(tt.asked, "master.m3u8 iframes.m3u8 seg2") {
				index = 25 // the list ends with the segment's second keyframe
			}
			if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(got) != 1 || got[0] != want[index] || f.OpenEnd && index > 0 {
				t.Errorf("not picture %d of seg2", index)
			}
			mustGrab(t, s)
			if got := len(strings.Fields(names(web.took()))); got != 2 {
				t.Errorf("the second grab took %d requests", got)
			}
		})
	}
}
