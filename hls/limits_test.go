package hls

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

var testBase = &url.URL{Scheme: "https", Host: "host", Path: "/live/index.m3u8", RawQuery: "q=" + strings.Repeat("x", 8000)}

// allocated returns the bytes that f takes from the heap, live or not: an upper
// bound of what f needs at once. The count is that of the whole process, so
// others may add to it. Therefore f runs again, a few times, until it is within
// the limit.
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

// TestParseMemory: every hostile playlist takes at most 50 MB, at the sizes
// just under the caps.
func TestParseMemory(t *testing.T) {
	if raceDetector {
		t.Skip("memory is not counted under the race detector")
	}
	const bound = 50_000_000
	for name, playlist := range hostile {
		for _, n := range []int{64 << 10, maxMasterBytes, MaxBytes} {
			data := playlist(n)
			if got := allocated(bound, func() { Parse(data, testBase, nil) }); got > bound {
				t.Errorf("%s: %d bytes of playlist took %d bytes of memory, want at most %d", name, len(data), got, bound)
			}
		}
	}
}

// TestDeltaMemory: a delta update takes no more either, if it and the kept
// playlist have the maximum size. An update that no playlist could list is
// refused.
func TestDeltaMemory(t *testing.T) {
	if raceDetector {
		t.Skip("memory is not counted under the race detector")
	}
	const bound = 50_000_000
	for _, name := range []string{"dvr", "tiny segments", "key per segment"} {
		kept, err := Parse(hostile[name](MaxBytes), testBase, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, skipped := range []int{1, 10_000, len(kept.Media.Segments)} {
			data := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=%d%s", skipped, hostile[name](MaxBytes - 100)[len(tagHeader):])
			var merged *Playlist
			if got := allocated(bound, func() { merged, err = parsePlaylist(data, testBase, nil, kept.Media) }); got > bound || err != nil {
				t.Fatalf("%s after %d skipped segments took %d bytes of memory, want at most %d; %v", name, skipped, got, bound, err)
			}
			if n := len(merged.Media.Segments); n > maxMerged {
				t.Errorf("%s after %d skipped segments: %d segments", name, skipped, n)
			}
		}
	}
}

// TestParseLinear: twice the bytes of any accepted playlist take not much more
// than twice the memory.
func TestParseLinear(t *testing.T) {
	if raceDetector {
		t.Skip("memory is not counted under the race detector")
	}
	for name, playlist := range hostile {
		once, twice := playlist(100<<10), playlist(200<<10)
		if _, err := Parse(twice, testBase, nil); err != nil {
			continue // refused; see TestParseMemory for its cost
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
		{"bytes", append([]byte("#EXTM3U\n"), bytes.Repeat([]byte{'#'}, MaxBytes)...), "longer than"},
		{"a master's bytes", hostile["variants"](maxMasterBytes + 100), "longer than"},
		{"lines", append([]byte("#EXTM3U\n"), bytes.Repeat([]byte{'\n'}, maxLines)...), "lines"},
		{"a line", append([]byte("#EXTM3U\n#EXTINF:1,\n"), bytes.Repeat([]byte{'a'}, maxLine+1)...), "a line of more than"},
		{"bytes by variables", hostile["expansion"](64 << 10), "longer than"},
		{"bytes by definitions", hostile["definition expansion"](80 << 10), "longer than"},
		{"a line by variables", hostile["doubling"](64 << 10), "a line of more than"},
		{"definitions", hostile["definitions"](64 << 10), "EXT-X-DEFINE"},
		{"keys", hostile["key formats"](64 << 10), "keys for one segment"},
		{"keys of all segments", hostile["keys and maps"](MaxBytes), "131072 keys"},
		{"attributes", hostile["attributes"](MaxBytes), "attributes"},
		{"attributes of definitions", hostile["attributes of definitions"](MaxBytes), "attributes"},
		{"references", hostile["empty variables"](MaxBytes), "references to variables"},
		{"tags of a header", hostile["sequences"](64 << 10), "tags of a header"},
		{"parts", hostile["parts"](1 << 20), "EXT-X-PART"},
		{"reports", hostile["reports"](64 << 10), "EXT-X-RENDITION-REPORT"},
	}
	for _, tt := range tests {
		_, err := Parse(tt.data, testBase, nil)
		if !errors.Is(err, keyframe.ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

// TestParseTakes24Hours is the evidence for the caps: 24 hours of 2 s segments,
// or as many as maxLines allows.
func TestParseTakes24Hours(t *testing.T) {
	for name, segments := range map[string]int{"dvr": 43_000, "dated dvr": 43_000, "key and map per segment": 32_000, "four variables": 65_000} {
		p, err := Parse(hostile[name](11<<20), testBase, nil)
		if err != nil || len(p.Media.Segments) < segments {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkParse parses every hostile playlist at its maximum size, and chooses
// from it.
func BenchmarkParse(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		data := hostile[name](MaxBytes)
		if body, _ := playlistBody(data); isMaster(body) {
			data = hostile[name](maxMasterBytes)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				p, err := Parse(data, testBase, nil)
				switch {
				case err != nil:
				case p.Master != nil:
					p.Master.Pick(PickOptions{Width: 640})
				default:
					p.Media.PickSegment()
					p.Media.StartingAfter(time.Now(), p.Media.End())
				}
			}
		})
	}
}
