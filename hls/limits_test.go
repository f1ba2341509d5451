package hls

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// hostile playlists of about n bytes, each meant to make one step of the way
// expensive.
var hostile = map[string]func(n int) []byte{
	"dvr":              fill("#EXTM3U\n#EXT-X-TARGETDURATION:2\n", "#EXTINF:2.000,\nseg-%06d.ts?token="+strings.Repeat("a", 220)+"\n"),
	"dated dvr":        fill("#EXTM3U\n", "#EXTINF:2.000,\n#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00.000Z\nseg-%06d.ts\n"),
	"tiny segments":    fill("#EXTM3U\n", "#EXTINF:\na\n"),
	"keys":             fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"),
	"key per segment":  fill("#EXTM3U\n", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXTINF:1,\na\n"),
	"key formats":      fill("#EXTM3U\n", "#EXT-X-KEY:METHOD=AES-128,KEYFORMAT=\"%d\"\n#EXTINF:1,\na\n"),
	"maps":             fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-MAP:URI=\"i\",BYTERANGE=\"1@1\"\n"),
	"parts":            fill("#EXTM3U\n", "#EXT-X-PART:URI=\"p\",BYTERANGE=1@1\n"),
	"hints":            fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-PRELOAD-HINT:URI=p\n"),
	"reports":          fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-RENDITION-REPORT:URI=p\n"),
	"bad dates":        fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-PROGRAM-DATE-TIME:"+strings.Repeat("9", 60000)+"\n"),
	"attributes":       fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:"+strings.Repeat("a=b,", 16000)+"\n"),
	"no attributes":    fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-KEY:"+strings.Repeat(`,"`, 16000)+"\n"),
	"blank lines":      fill("#EXTM3U\n", "\n"),
	"comments":         fill("#EXTM3U\n", "# "+strings.Repeat("c", 60000)+"\n"),
	"orphans":          fill("#EXTM3U\n#EXTINF:1,\na\n", "b\n"),
	"unpaired EXTINF":  fill("#EXTM3U\n", "#EXTINF:1,\n"),
	"tags":             fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT\n"),
	"variants":         fill("#EXTM3U\n", "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"),
	"variant, long":    fill("#EXTM3U\n", "#EXT-X-STREAM-INF:"+strings.Repeat("a=b,", 16000)+"\na\n"),
	"i-frame variants": fill("#EXTM3U\n", "#EXT-X-I-FRAME-STREAM-INF:\n"),
	// The master that took the library alone 68 s and 21.7 GB at 83 kB.
	"renditions": func(n int) []byte {
		media := fill("#EXTM3U\n", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n%d\",URI=\"a%d.m3u8\"\n")(n / 2)
		return append(media, fill("", "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv%d.m3u8\n")(n/2)...)
	},
	"definitions":          fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DEFINE:NAME=\"n%d\",VALUE=\"v\"\n"),
	"query definitions":    fill("#EXTM3U\n#EXTINF:1,\na\n", "#EXT-X-DEFINE:QUERYPARAM=\"q\"\n"),
	"expansion":            fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\""+strings.Repeat("v", 60000)+"\"\n", "#EXTINF:1,\n{$n}\n"),
	"doubling":             fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"vv\"\n", "#EXT-X-DEFINE:NAME=\"n\",VALUE=\"{$n}{$n}\"\n"),
	"empty variables":      fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"\"\n", "#EXTINF:1,\n"+strings.Repeat("{$n}", 16000)+"\n"),
	"definition expansion": fill("#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\""+strings.Repeat("v", 60000)+"\"\n", "#EXT-X-DEFINE:NAME=\"n%d\",VALUE=\"{$n}\"\n"),
}

// fill repeats a block, in which %d is its number, until there are n bytes or as
// many lines as may be.
func fill(head, block string) func(n int) []byte {
	lines := strings.Count(block, "\n")
	numbered := strings.Contains(block, "%")
	format := strings.ReplaceAll(block, "%d", "%[1]d")
	return func(n int) []byte {
		out := bytes.NewBufferString(head)
		for i := 0; out.Len()+len(block) <= n && i < (maxLines-10)/lines; i++ {
			if numbered {
				fmt.Fprintf(out, format, i)
			} else {
				out.WriteString(block)
			}
		}
		return out.Bytes()
	}
}

var testBase = &url.URL{Scheme: "https", Host: "host", Path: "/live/index.m3u8", RawQuery: "q=" + strings.Repeat("x", 8000)}

// allocated returns the bytes that f takes from the heap, live or not: an upper
// bound of what it needs at once. The count is the process's, and so others may
// add to it: f runs again, a few times, until it is within the limit.
func allocated(limit uint64, f func()) uint64 {
	var before, after runtime.MemStats
	for try := 0; ; try++ {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got <= limit || try == 5 {
			return got
		}
	}
}

// TestParseMemory holds every hostile playlist to 50 MB, at the sizes just
// under the caps.
func TestParseMemory(t *testing.T) {
	if raceDetector {
		t.Skip("memory is not counted under the race detector")
	}
	const bound = 50_000_000
	for name, playlist := range hostile {
		for _, n := range []int{64 << 10, maxMasterBytes, maxBytes} {
			data := playlist(n)
			if got := allocated(bound, func() { Parse(data, testBase, nil) }); got > bound {
				t.Errorf("%s: %d bytes of playlist took %d bytes of memory, want at most %d", name, len(data), got, bound)
			}
		}
	}
}

// TestParseLinear doubles every playlist that is accepted: twice the bytes may
// not take much more than twice the memory.
func TestParseLinear(t *testing.T) {
	if raceDetector {
		t.Skip("memory is not counted under the race detector")
	}
	for name, playlist := range hostile {
		once, twice := playlist(100<<10), playlist(200<<10)
		if _, err := Parse(twice, testBase, nil); err != nil {
			continue // refused; TestParseMemory has its cost
		}
		a := allocated(math.MaxUint64, func() { Parse(once, testBase, nil) })
		limit := a * 5 / 4 * uint64(len(twice)) / uint64(len(once))
		if b := allocated(limit, func() { Parse(twice, testBase, nil) }); b > limit {
			t.Errorf("%s: %d bytes took %d bytes of memory, %d bytes took %d", name, len(once), a, len(twice), b)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"bytes", append([]byte("#EXTM3U\n"), bytes.Repeat([]byte{'#'}, maxBytes)...), "longer than"},
		{"a master's bytes", hostile["variants"](maxMasterBytes + 100), "longer than"},
		{"lines", append([]byte("#EXTM3U\n"), bytes.Repeat([]byte{'\n'}, maxLines)...), "lines"},
		{"a line", append([]byte("#EXTM3U\n#EXTINF:1,\n"), bytes.Repeat([]byte{'a'}, maxLine+1)...), "a line of more than"},
		{"bytes by variables", hostile["expansion"](64 << 10), "longer than"},
		{"bytes by definitions", hostile["definition expansion"](80 << 10), "longer than"},
		{"a line by variables", hostile["doubling"](64 << 10), "a line of more than"},
		{"definitions", hostile["definitions"](64 << 10), "EXT-X-DEFINE"},
		{"keys", hostile["key formats"](64 << 10), "keys for one segment"},
		{"parts", hostile["parts"](1 << 20), "EXT-X-PART"},
		{"hints", hostile["hints"](64 << 10), "EXT-X-PRELOAD-HINT"},
		{"reports", hostile["reports"](64 << 10), "EXT-X-RENDITION-REPORT"},
	}
	for _, tt := range tests {
		_, err := Parse(tt.data, testBase, nil)
		if !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

// TestParseTakes24Hours is the evidence of the caps.
func TestParseTakes24Hours(t *testing.T) {
	for _, name := range []string{"dvr", "dated dvr"} {
		data := hostile[name](11 << 20)
		p, err := Parse(data, testBase, nil)
		if err != nil || len(p.Media.Segments) < 43_000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"dvr", "tiny segments", "keys", "variants"} {
		b.Run(name, func(b *testing.B) {
			data := hostile[name](maxMasterBytes)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(data, testBase, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
