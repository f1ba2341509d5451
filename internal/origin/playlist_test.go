package origin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMasterPlaylist(t *testing.T) {
	got := masterPlaylist([]variant{
		{Full().Renditions[0], "avc1.640028,mp4a.40.2", 5_500_000, 5_200_000},
		{Full().Renditions[2], "avc1.64001e,mp4a.40.2", 900_000, 850_000},
	})
	want := `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=5500000,AVERAGE-BANDWIDTH=5200000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=25.000
1080p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=850000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000
360p/index.m3u8
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMediaPlaylist(t *testing.T) {
	line := testLine
	line.window = 3
	got := mediaPlaylist(FMP4, line, epoch.Add(48*time.Second))
	want := `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:30.000Z
#EXTINF:6.000,
5.m4s
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:36.000Z
#EXTINF:6.000,
6.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-03-01T12:00:42.000Z
#EXTINF:6.000,
7.m4s
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if ts := mediaPlaylist(TS, line, epoch.Add(48*time.Second)); strings.Contains(ts, "EXT-X-MAP") || !strings.Contains(ts, "\n7.ts\n") {
		t.Errorf("MPEG-TS playlist:\n%s", ts)
	}
}

// TestDiscontinuityNumbersStay: a segment keeps its discontinuity sequence
// number in every playlist that lists it (RFC 8216 6.2.2).
func TestDiscontinuityNumbersStay(t *testing.T) {
	for after := time.Duration(0); after < 5*time.Minute; after += time.Second {
		text := mediaPlaylist(TS, testLine, epoch.Add(after))
		var n, number int
		for line := range strings.Lines(text) {
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "#EXT-X-DISCONTINUITY-SEQUENCE:"):
				if _, err := fmt.Sscanf(line, "#EXT-X-DISCONTINUITY-SEQUENCE:%d", &number); err != nil {
					t.Fatal(err)
				}
			case line == "#EXT-X-DISCONTINUITY":
				number++
			case strings.HasSuffix(line, ".ts"):
				if _, err := fmt.Sscanf(line, "%d.ts", &n); err != nil {
					t.Fatal(err)
				}
				if number != n/testLine.loop {
					t.Fatalf("after %v segment %d has discontinuity number %d, want %d", after, n, number, n/testLine.loop)
				}
			}
		}
	}
}

func TestSegmentNumber(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		name string
		n    int
		ok   bool
	}{
		{TS, "0.ts", 0, true},
		{TS, "17.ts", 17, true},
		{FMP4, "17.m4s", 17, true},
		{TS, "17.m4s", 0, false},
		{TS, "017.ts", 0, false},
		{TS, "+17.ts", 0, false},
		{TS, ".ts", 0, false},
		{TS, "99999999999999999999.ts", 0, false},
		{TS, "index.m3u8", 0, false},
	} {
		n, ok := segmentNumber(c.kind, c.name)
		if ok != c.ok || ok && n != c.n {
			t.Errorf("segmentNumber(%s, %q) = %d, %v", c.kind, c.name, n, ok)
		}
	}
}
