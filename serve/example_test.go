package serve_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/kfgrab/kfgrab/serve"
)

// Run the service within another program: New, an http.Handler, Close.
func ExampleNew() {
	s, err := serve.New(&serve.Options{Streams: []serve.Stream{
		{Name: "door", URL: "rtsp://127.0.0.1:1/stream"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	web := httptest.NewServer(s)
	defer web.Close()

	res, err := http.Get(web.URL + "/streams/door/snapshot.mp4")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	fmt.Println(res.Status, res.Header.Get("Content-Type"))
	// Output: 502 Bad Gateway application/problem+json
}
