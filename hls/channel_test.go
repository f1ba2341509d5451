package hls

import (
	"fmt"
	"regexp"
	"strings"

	"pgregory.net/rapid"
)

// channel is a live stream, from its first segment to its last. Playlists are
// windows of it.
type channel struct {
	segments []packaged
	loop     int // URIs repeat after so many segments, as in a slate; 0: never
	header   string
	dated    int // 0: no dates; 1: at the front and after discontinuities; 2: all
	parts    bool
	newline  string
}

// packaged is a segment from its packager's point of view.
type packaged struct {
	uri           string
	milliseconds  int
	offset, size  int // byte range; none if size is 0
	implied       bool
	key, init     int // 0: none
	rate          int // EXT-X-BITRATE; 0: none so far
	discontinuity bool
	gap           bool
}

func drawChannel(t *rapid.T) *channel {
	c := &channel{
		header:  "#EXT-X-TARGETDURATION:6\n" + rapid.SampledFrom([]string{"", "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=36\n"}).Draw(t, "header"),
		dated:   rapid.IntRange(0, 2).Draw(t, "dated"),
		parts:   rapid.Bool().Draw(t, "parts"),
		newline: rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(t, "newline"),
	}
	ranged := rapid.IntRange(0, 2).Draw(t, "ranged") // never, with offsets, without offsets if possible
	maps := rapid.Bool().Draw(t, "maps")
	keys := rapid.Bool().Draw(t, "keys")
	rates := rapid.Bool().Draw(t, "rates")
	if rapid.IntRange(0, 9).Draw(t, "looped") == 0 {
		c.loop = 5
	}
	rare := rapid.IntRange(0, 5)
	n := rapid.IntRange(1, 60).Draw(t, "segments")
	for i := range n {
		s := packaged{uri: fmt.Sprintf("seg%d.ts?token=%d", i, i%7), milliseconds: 2000 + 10*rapid.IntRange(0, 400).Draw(t, "ms")}
		if i > 0 {
			before := c.segments[i-1]
			s.key, s.init, s.rate = before.key, before.init, before.rate
		}
		if c.loop > 0 {
			s.uri = fmt.Sprintf("seg%d.ts", i%c.loop)
		}
		if keys && rare.Draw(t, "rotate") == 0 {
			s.key = rapid.IntRange(0, 3).Draw(t, "key")
		}
		if maps && (s.init == 0 || rare.Draw(t, "remap") == 0) {
			s.init = rapid.IntRange(1, 2).Draw(t, "init")
		}
		if rates && rare.Draw(t, "rerate") == 0 {
			s.rate = rapid.IntRange(1, 9000).Draw(t, "rate")
		}
		if ranged > 0 {
			s.uri, s.size = fmt.Sprintf("file%d.ts", i/8), 1000+rapid.IntRange(0, 3).Draw(t, "size")
			if i%8 > 0 {
				s.offset = c.segments[i-1].offset + c.segments[i-1].size
				s.implied = ranged == 2
			}
		}
		s.discontinuity = rare.Draw(t, "discontinuity") == 0
		s.gap = rare.Draw(t, "gap") == 0
		c.segments = append(c.segments, s)
	}
	return c
}

// playlist lists segments from up to, not including, to, without the first
// skip.
func (c *channel) playlist(from, to, skip int) string {
	tag := ""
	if skip > 0 {
		tag = fmt.Sprintf("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", skip)
	}
	return c.list(from, to, skip, tag)
}

// bare lists segments from up to to in a delta update that skips none, and leaves out
// what applies to all of them, as MediaMTX does with EXT-X-MAP.
func (c *channel) bare(from, to int) string {
	text := c.list(from, to, 0, "#EXT-X-SKIP:SKIPPED-SEGMENTS=0\n")
	front := c.segments[from]
	sameKey, sameMap, sameRate := true, true, true
	for _, s := range c.segments[from:to] {
		sameKey = sameKey && s.key == front.key
		sameMap = sameMap && sameKey && s.init == front.init
		sameRate = sameRate && s.rate == front.rate
	}
	for prefix, same := range map[string]bool{"#EXT-X-KEY:": sameKey, "#EXT-X-MAP:": sameMap, "#EXT-X-BITRATE:": sameRate} {
		if same {
			text = regexp.MustCompile(prefix+"[^\r\n]*").ReplaceAllString(text, "")
		}
	}
	return text
}

func (c *channel) list(from, to, skip int, tag string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n%s#EXT-X-MEDIA-SEQUENCE:%d\n%s", c.header, 100+from, tag)
	for i := from + skip; i < to; i++ {
		c.write(&b, i, i == from, to)
	}
	if c.parts {
		fmt.Fprintf(&b, "#EXT-X-PART:URI=\"part%d.0\",DURATION=1,INDEPENDENT=YES\n", to)
		fmt.Fprintf(&b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part%d.1\"\n", to)
		fmt.Fprintf(&b, "#EXT-X-RENDITION-REPORT:URI=\"other.m3u8\",LAST-MSN=%d\n", 100+to-1)
	}
	return strings.ReplaceAll(b.String(), "\n", c.newline)
}

// withParts is how many of the last segments list their parts.
const withParts = 3

// write lists segment i. The front one of a playlist states all that applies,
// the others only what changes.
func (c *channel) write(b *strings.Builder, i int, front bool, to int) {
	s := c.segments[i]
	var before packaged
	if !front {
		before = c.segments[i-1]
	}
	if s.discontinuity {
		b.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	if s.key != before.key {
		b.WriteString("#EXT-X-KEY:METHOD=NONE\n")
	}
	if s.key != before.key && s.key > 0 {
		fmt.Fprintf(b, "#EXT-X-KEY:METHOD=AES-128,URI=\"key%d\",IV=0x%02x\n", s.key, s.key)
	}
	if s.key != before.key && s.key == 3 {
		b.WriteString("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://3\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n")
	}
	if s.init > 0 && (s.init != before.init || s.key != before.key) {
		fmt.Fprintf(b, "#EXT-X-MAP:URI=\"init%d.mp4\"\n", s.init)
	}
	if s.rate != before.rate {
		fmt.Fprintf(b, "#EXT-X-BITRATE:%d\n", s.rate)
	}
	if c.dated == 2 || c.dated == 1 && (front || s.discontinuity) {
		at := 0
		for _, earlier := range c.segments[:i] {
			at += earlier.milliseconds
		}
		fmt.Fprintf(b, "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:%02d:%02d.%03dZ\n", at/60000, at/1000%60, at%1000)
	}
	if c.parts && i >= to-withParts {
		fmt.Fprintf(b, "#EXT-X-PART:URI=\"part%d.0\",DURATION=1,INDEPENDENT=YES\n", i)
	}
	if s.gap {
		b.WriteString("#EXT-X-GAP\n")
	}
	switch {
	case s.size > 0 && s.implied && !front:
		fmt.Fprintf(b, "#EXT-X-BYTERANGE:%d\n", s.size)
	case s.size > 0:
		fmt.Fprintf(b, "#EXT-X-BYTERANGE:%d@%d\n", s.size, s.offset)
	}
	fmt.Fprintf(b, "#EXTINF:%d.%03d,\n%s\n", s.milliseconds/1000, s.milliseconds%1000, s.uri)
}

// windows draws a kept playlist, from a up to b, and a current one, from from
// up to to. No segment between the two is missing. If URIs repeat, the kept
// playlist has one of them twice, if the stream is long enough.
func (c *channel) windows(t *rapid.T) (a, b, from, to int) {
	n := len(c.segments)
	least := min(1+c.loop, n)
	a = rapid.IntRange(0, n-least).Draw(t, "a")
	b = rapid.IntRange(a+least, n).Draw(t, "b")
	from = rapid.IntRange(a, b-1).Draw(t, "from")
	to = rapid.IntRange(b, n).Draw(t, "to")
	return a, b, from, to
}

func parseMedia(t interface {
	Helper()
	Fatal(...any)
}, text string, kept *Media,
) *Media {
	t.Helper()
	p, err := parsePlaylist([]byte(text), testBase, nil, kept)
	if err != nil || p.Media == nil {
		t.Fatal(err, text)
	}
	return p.Media
}
