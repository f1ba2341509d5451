package hls_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"

	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// The cheapest rendition that serves a width of 200, twice: the second grab knows
// it already.
func ExampleSource() {
	path, err := testmedia.Path("hls-ladder") // any HLS stream
	if err != nil {
		log.Fatal(err)
	}
	var requests int
	files := http.FileServer(http.Dir(filepath.Dir(path)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	u, err := url.Parse(server.URL + "/master.m3u8")
	if err != nil {
		log.Fatal(err)
	}

	client := fetch.New(u, nil)
	defer client.Close()
	s := hls.New(client, u, &hls.Options{PickOptions: hls.PickOptions{Width: 200}})
	for range 2 {
		requests = 0
		client.StartJob()
		f, err := s.Keyframe(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Codec, f.Kind, f.Info.Width, f.Info.Height, "in", requests, "requests")
	}
	// Output:
	// h264 idr 320 180 in 3 requests
	// h264 idr 320 180 in 2 requests
}

// A playlist and the choices from it, without any I/O.
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
