package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlaylist(t *testing.T) {
	p := &playlist{
		version: 9, target: 4 * time.Second, first: 7, header: []string{"#EXT-X-A"},
		entries: []entry{
			{duration: 3500 * time.Millisecond, uri: "a.ts"},
			{before: []string{"#EXT-X-PART"}, duration: 4 * time.Second, after: []string{"#EXT-X-BYTERANGE:" + byteRange(10, 25)}, uri: "b.ts"},
		},
		trailer: []string{"#EXT-X-PRELOAD-HINT"},
	}
	want := "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-A\n" +
		"#EXTINF:3.500,\na.ts\n#EXT-X-PART\n#EXTINF:4.000,\n#EXT-X-BYTERANGE:15@10\nb.ts\n#EXT-X-PRELOAD-HINT\n"
	if diff := cmp.Diff(want, p.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMasterPlaylist(t *testing.T) {
	got := masterPlaylist(ladder[2:], "avc1", "#EXT-X-LAST")
	want := "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,FRAME-RATE=25.000,CODECS=\"avc1\"\n360p.m3u8\n#EXT-X-LAST\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParts(t *testing.T) {
	var total time.Duration
	for i, line := range partLines(2, partsInSegment) {
		if got := strings.HasSuffix(line, ",INDEPENDENT=YES"); got != (i%4 == 0) {
			t.Errorf("part %d: %s", i, line)
		}
		d, err := time.ParseDuration(partDuration(i) + "s")
		if err != nil {
			t.Fatal(err)
		}
		total += d
	}
	if total != segmentTime {
		t.Errorf("the parts of a segment last %v, want %v", total, segmentTime)
	}
	if got, want := partLines(2, 1)[0], `#EXT-X-PART:DURATION=0.52,URI="../ladder/part-24.m4s",INDEPENDENT=YES`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestReadRanges(t *testing.T) {
	text := "#EXTM3U\n" + strings.Repeat("#EXTINF:6,\n#EXT-X-BYTERANGE:5@10\nx.ts\n", ladderSegments)
	got, err := readRanges(text)
	if err != nil || len(got) != ladderSegments || got[0] != (span{"", 10, 15}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "#EXT-X-BYTERANGE:5\n"} {
		if _, err := readRanges(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
