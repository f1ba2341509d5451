package hlssource_test

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
	"github.com/kfgrab/kfgrab/internal/hlssource"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// Grab the cheapest rendition that serves a width of 200, twice: the second
// grab remembers it.
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
	s := hlssource.New(client, u, &hlssource.Options{PickOptions: hls.PickOptions{Width: 200}})
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
