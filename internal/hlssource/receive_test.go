package hlssource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/origin"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/internal/testserver"
	"github.com/kfgrab/kfgrab/keyframe"
)

// follow collects pictures until the stream ends, or there are enough.
func follow(t *testing.T, s *Source, enough int) (all []*keyframe.Frame, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	err = s.Receive(ctx, func(f *keyframe.Frame) {
		if all = append(all, f); len(all) == enough {
			cancel()
		}
	})
	return all, err
}

func annexB(all []*keyframe.Frame) (data []byte) {
	for _, f := range all {
		data = append(data, f.Data...)
	}
	return data
}

// gaps lists the indices of the pictures after a gap.
func gaps(all []*keyframe.Frame) (list []int) {
	for i, f := range all {
		if f.AfterGap && i > 0 {
			list = append(list, i)
		}
	}
	return list
}

// playlists answers with one text after the other, and repeats the last.
func playlists(texts []string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, texts[0])
		if len(texts) > 1 {
			texts = texts[1:]
		}
	}
}

// window is a media playlist of the given segments; "d" is a discontinuity,
// "end" the end of the stream.
func window(first int, extension, head string, items ...any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n%s", first, head)
	for _, item := range items {
		switch item {
		case "d":
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		case "end":
			b.WriteString("#EXT-X-ENDLIST\n")
		default:
			fmt.Fprintf(&b, "#EXTINF:2,\nseg%d.%s\n", item, extension)
		}
	}
	return b.String()
}

// TestReceive: every picture of a live stream is read once, and lost segments
// leave a gap.
func TestReceive(t *testing.T) {
	const mapTag = "#EXT-X-MAP:URI=\"init.mp4\"\n"
	for _, c := range []struct {
		name, recipe, extension, head string
		playlists                     [][]any // first sequence number, segments
		read                          []int   // segments
		gaps                          []int   // pictures
	}{
		{"transport stream", "hls-ts", "ts", "", [][]any{{7, 0, 1}, {8, 1, 2}, {8, 1, 2}, {9, 2, 3, "end"}}, []int{1, 2, 3}, nil},
		{"fMP4", "hls-fmp4", "m4s", mapTag, [][]any{{0, 0, 1}, {2, 2, 3, "end"}}, []int{1, 2, 3}, nil},
		{"segments without a keyframe", "hls-split", "ts", "", [][]any{{0, 0}, {1, 1, 2, 3, "end"}}, []int{0, 1, 2, 3}, nil},
		{"fMP4 without", "hls-split-fmp4", "m4s", mapTag, [][]any{{0, 0}, {1, 1, 2, 3, "end"}}, []int{0, 1, 2, 3}, nil},
		{"lost", "hls-ts", "ts", "", [][]any{{7, 0, 1}, {10, 4, 5, "end"}}, []int{1, 4, 5}, []int{50}},
		{"discontinuity", "hls-ts", "ts", "", [][]any{{7, 0, 1}, {8, 1, "d", 0, "end"}}, []int{1, 0}, []int{50}},
		{"missing", "hls-ts", "ts", "", [][]any{{7, 0, 1}, {8, 1, 9, 2, "end"}}, []int{1, 2}, []int{50}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := directory(t, testmedia.Make(t, c.recipe))
			site := newSite(t, files)
			var texts []string
			for _, p := range c.playlists {
				texts = append(texts, window(p[0].(int), c.extension, c.head, p[1:]...))
			}
			site.answers["live.m3u8"] = playlists(texts)
			all, err := follow(t, source(t, site.URL+"/live.m3u8", nil, nil), -1)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			var want []string
			m := list(t, files, "index.m3u8")
			for _, n := range c.read {
				want = append(want, testmedia.Hashes(t, upTo(t, files, m, n))[pictures(m, n):]...)
			}
			if got := testmedia.Hashes(t, annexB(all), "-f", "h264"); len(want) == 0 || len(all) != len(want) || !slices.Equal(got, want) {
				t.Errorf("%d pictures that decode to %d, want %d, and the same", len(all), len(got), len(want))
			}
			if got := gaps(all); !slices.Equal(got, c.gaps) {
				t.Errorf("gaps in front of pictures %v, want %v", got, c.gaps)
			}
			asked := map[string]int{}
			for _, a := range site.took() {
				name, _, _ := strings.Cut(a, " ")
				asked[name]++
			}
			for _, n := range c.read {
				if name := fmt.Sprintf("seg%d.%s", n, c.extension); asked[name] != 1 {
					t.Errorf("%s was asked for %d times", name, asked[name])
				}
			}
		})
	}
}

// upTo returns the segments up to number n as one file, which begins with the
// last one that decodes by itself.
func upTo(t *testing.T, files map[string]string, m *hls.Media, n int) []byte {
	t.Helper()
	from := n - behind(m, n)
	data := whole(t, files, &m.Segments[from])
	for i := from + 1; i <= n; i++ {
		seg := m.Segments[i]
		seg.Map = nil
		data = append(data, whole(t, files, &seg)...)
	}
	return data
}

// behind returns how many segments before number n that one needs: one, if GOPs
// of 2 s are cut after 1 s.
func behind(m *hls.Media, n int) int {
	if m.Segments[n].Duration < 1500*time.Millisecond {
		return n % 2
	}
	return 0
}

// pictures is how many pictures those segments have.
func pictures(m *hls.Media, n int) int { return behind(m, n) * 25 }

// TestReceiveFails: a stream that cannot be followed is reported as such.
func TestReceiveFails(t *testing.T) {
	files := directory(t, testmedia.Make(t, "hls-ts"))
	var status *fetch.StatusError
	for name, c := range map[string]struct {
		playlists []string
		fits      func(error) bool
	}{
		"a recording": {[]string{files["index.m3u8"]}, func(err error) bool { return errors.Is(err, keyframe.ErrUnsupported) }},
		"gone": {[]string{window(0, "ts", "", 11), window(0, "ts", "", 11, 12, 13)}, func(err error) bool {
			return errors.As(err, &status) && status.Code == http.StatusNotFound
		}},
	} {
		site := newSite(t, nil)
		site.answers["live.m3u8"] = playlists(c.playlists)
		if all, err := follow(t, source(t, site.URL+"/live.m3u8", nil, nil), -1); !c.fits(err) || len(all) > 0 {
			t.Errorf("%s: %d pictures, %v", name, len(all), err)
		}
	}
}

// TestReceiveWrap: timestamps that wrap do not interrupt the stream.
func TestReceiveWrap(t *testing.T) {
	site := newSite(t, map[string]string{"seg0.ts": string(read(t, testmedia.Make(t, "wrap.ts")))})
	site.answers["live.m3u8"] = playlists([]string{window(0, "ts", "", 0), window(0, "ts", "", 0, "end")})
	all, err := follow(t, source(t, site.URL+"/live.m3u8", nil, nil), -1)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(all) != 200 {
		t.Fatal(len(all), err)
	}
	slices.SortFunc(all, func(a, b *keyframe.Frame) int { return int(a.PTS - b.PTS) })
	for i := 1; i < len(all); i++ {
		if d := all[i].PTS - all[i-1].PTS; d < 39*time.Millisecond || d > 41*time.Millisecond {
			t.Errorf("%v between two pictures", d)
		}
	}
}

// TestReceiveOrigin: two segments of a live ladder arrive, and what follows.
func TestReceiveOrigin(t *testing.T) {
	for _, kind := range []origin.Kind{origin.TS, origin.FMP4} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			o := startOrigin(t)
			all, err := follow(t, source(t, o.HLS(kind), &Options{PickOptions: hls.PickOptions{Rendition: selector(t, "worst")}}, nil), 120)
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if got := testmedia.Hashes(t, annexB(all), "-f", "h264"); len(got) != len(all) || len(gaps(all)) > 0 {
				t.Errorf("%d pictures that decode to %d, gaps at %v", len(all), len(got), gaps(all))
			}
			for i := 25; i < len(all); i += 25 {
				if d := all[i].Time.Sub(all[i-25].Time); all[i].Kind != keyframe.IDR || d != time.Second {
					t.Errorf("picture %d is %v, %v behind the keyframe before", i, all[i].Kind, d)
				}
			}
		})
	}
}

// TestReceiveMediaMTX: low-latency HLS by MediaMTX is followed part by part.
func TestReceiveMediaMTX(t *testing.T) {
	file := testmedia.Make(t, "live.264")
	server := testserver.MediaMTX{HLS: true}.Start(t)
	server.Publish(t, file, "/live")
	server.Await(t, "is converting into HLS")
	m := new(meter.Counter)
	s := source(t, server.HLS("/live"), nil, &fetch.Options{Meter: m})
	all, err := follow(t, s, 130)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if n := m.Read().Requests; n < 15 { // a playlist and a part every fifth of a second, after the first segment
		t.Errorf("%d requests, want one for each part", n)
	}
	want := testmedia.Hashes(t, read(t, file), "-f", "h264")
	want = append(append(want, want...), want...)
	got := testmedia.Hashes(t, annexB(all), "-f", "h264")
	if at := slices.Index(want, got[0]); at < 0 || len(got) != 130 || !slices.Equal(got, want[at:at+130]) || len(gaps(all)) > 0 {
		t.Errorf("%d pictures, gaps at %v: not those of the stream in a row", len(got), gaps(all))
	}
}
