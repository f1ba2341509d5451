package hls_test

import (
	"fmt"
	"log"
	"net/url"

	"github.com/kfgrab/kfgrab/hls"
)

// Parse a playlist and choose from it, without any I/O.
func ExampleParse() {
	playlist := `#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS="avc1.640028"
1080p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720,CODECS="avc1.64001f"
720p.m3u8
`
	base := &url.URL{Scheme: "https", Host: "example.org", Path: "/live/master.m3u8"}
	p, err := hls.Parse([]byte(playlist), base, nil)
	if err != nil {
		log.Fatal(err)
	}
	choice, err := p.Master.Pick(hls.PickOptions{Width: 640})
	if err != nil {
		log.Fatal(err)
	}
	u, err := choice.Variant.URI.Resolve()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(choice.Reason)
	fmt.Println(u)
	// Output:
	// 720p at 2.5 Mbit/s: the cheapest that serves width 640
	// https://example.org/live/720p.m3u8
}
