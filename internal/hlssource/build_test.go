package hlssource

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/hls"
)

// corpus has playlists and streams of other projects, beside the repository.
const corpus = "../../../shared/corpus/files"

func parseURL(tb testing.TB, raw string) *url.URL {
	tb.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func selector(tb testing.TB, text string) hls.Selector {
	tb.Helper()
	s, err := hls.ParseRendition(text)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// long is a playlist of n segments from sequence number first on.
func long(first, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for i := range n {
		fmt.Fprintf(&b, "#EXTINF:4.000000,\n2024/live/1080p/segment-%09d.ts\n", first+i)
	}
	return b.String()
}
