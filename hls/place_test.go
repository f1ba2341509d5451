package hls

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestNewestPart(t *testing.T) {
	const part = `#EXT-X-PART:DURATION=1,URI="s12.%d.ts"%s` + "\n"
	line := func(n int, flags string) string { return fmt.Sprintf(part, n, flags) }
	tests := []struct {
		name, more, uri string
		at              string // its program date time
	}{
		{"within the last segment", "", "s11.2.ts", "00:00:06"},
		{"behind it", line(0, ",INDEPENDENT=YES") + line(1, ""), "s12.0.ts", "00:00:08"},
		{"the newest of several", line(0, ",INDEPENDENT=YES") + line(1, ",INDEPENDENT=YES"), "s12.1.ts", "00:00:09"},
		{"a gap", line(0, ",INDEPENDENT=YES") + line(1, ",INDEPENDENT=YES,GAP=YES"), "s12.0.ts", "00:00:08"},
		{"none behind it", line(0, "") + line(1, ""), "s11.2.ts", "00:00:06"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse([]byte(lowLatency+tt.more), parseURL(t, "http://h/live.m3u8"), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Media.PickSegment()
			if err != nil {
				t.Fatal(err)
			}
			if got.URI.Text != tt.uri || got.ProgramDateTime.Format("15:04:05") != tt.at {
				t.Errorf("%s at %v", got.URI, got.ProgramDateTime)
			}
		})
	}
}

func TestBeginsAfter(t *testing.T) {
	undated := strings.Replace(lowLatency, "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n", "", 1)
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name, playlist string
		now            time.Time
		from           Place
		want           string
	}{
		{"by the clock, a part", lowLatency, clock.Add(5 * time.Second), Place{}, "s11.2.ts"},
		{"by the clock, a segment's beginning", lowLatency, clock.Add(3 * time.Second), Place{}, "s11.0.ts"},
		{"by the clock, none", lowLatency, clock.Add(6 * time.Second), Place{}, ""},
		{"by what was listed, none", undated, clock, Place{12, 0}, ""},
		{"by what was listed, not what was in the making", undated, clock, Place{11, 2}, ""},
		{"by what was listed", undated, clock, Place{11, 1}, "s11.2.ts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse([]byte(tt.playlist), parseURL(t, "http://h/live.m3u8"), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if seg := p.Media.StartingAfter(tt.now, tt.from); seg != nil {
				got = seg.URI.Text
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// lowLatency has parts within its last segment and after it.
const lowLatency = `#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-PART-INF:PART-TARGET=1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3
#EXT-X-MEDIA-SEQUENCE:10
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
#EXTINF:4,
s10.ts
#EXT-X-PART:DURATION=1,URI="s11.0.ts",INDEPENDENT=YES
#EXT-X-PART:DURATION=1,URI="s11.1.ts"
#EXT-X-PART:DURATION=1,URI="s11.2.ts",INDEPENDENT=YES
#EXT-X-PART:DURATION=1,URI="s11.3.ts"
#EXTINF:4,
s11.ts
`
