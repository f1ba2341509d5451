package origin

import (
	"fmt"
	"strings"
	"time"
)

// variant is a rendition as a master playlist describes it.
type variant struct {
	Rendition
	codecs        string
	peak, average int // bits per second, including sound and container
}

// masterPlaylist returns the multivariant playlist (RFC 8216 4.3.4).
func masterPlaylist(variants []variant) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	for _, v := range variants {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,CODECS=%q,RESOLUTION=%dx%d,FRAME-RATE=%d.000\n%s/%s\n",
			v.peak, v.average, v.codecs, v.Width, v.Height, frameRate, v.Name, indexName)
	}
	return b.String()
}

// mediaPlaylist returns the live playlist of a rendition at time t (RFC 8216 4.3.3). It has no
// EXT-X-ENDLIST, and a discontinuity at each start of the loop.
func mediaPlaylist(k Kind, l timeline, t time.Time) string {
	first, last := l.listedRange(t)
	var b strings.Builder
	// EXT-X-MAP in a playlist of whole segments needs version 6 (RFC 8216 7).
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n#EXT-X-INDEPENDENT-SEGMENTS\n",
		wholeSeconds(l.segment), first, l.discontinuitySequence(first))
	if k == FMP4 {
		fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", initName)
	}

	for n := first; n <= last; n++ {
		if l.isDiscontinuity(n) {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:%.3f,\n%s\n",
			l.beginOf(n).UTC().Format("2006-01-02T15:04:05.000Z"), l.segment.Seconds(), segmentName(k, n))
	}

	return b.String()
}
