package bench

import (
	"fmt"
	"strings"
	"time"
)

// entry is one segment of a media playlist.
type entry struct {
	before   []string // tags of its own, in front of EXTINF
	duration time.Duration
	after    []string // such as EXT-X-BYTERANGE
	uri      string
}

// playlist is a media playlist without an end.
type playlist struct {
	version int
	target  time.Duration
	first   int // the media sequence number
	header  []string
	entries []entry
	trailer []string // parts that have no segment yet
}

func (p *playlist) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", p.version, seconds(p.target), p.first)
	lines := func(tags []string) {
		for _, t := range tags {
			b.WriteString(t + "\n")
		}
	}
	lines(p.header)
	for _, e := range p.entries {
		lines(e.before)
		fmt.Fprintf(&b, "#EXTINF:%.3f,\n", e.duration.Seconds())
		lines(e.after)
		b.WriteString(e.uri + "\n")
	}
	lines(p.trailer)
	return b.String()
}

// masterPlaylist names a media playlist NAME.m3u8 beside it for each rendition.
func masterPlaylist(renditions []Rendition, codecs string, extra ...string) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	for _, r := range renditions {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,RESOLUTION=%dx%d,FRAME-RATE=%d.000,CODECS=%q\n%s.m3u8\n",
			r.Bandwidth, r.Width, r.Height, frameRate, codecs, r.Name)
	}
	for _, line := range extra {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// byteRange is the value of EXT-X-BYTERANGE.
func byteRange(start, end int64) string { return fmt.Sprintf("%d@%d", end-start, start) }
