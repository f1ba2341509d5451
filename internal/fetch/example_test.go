package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
)

// Fetch a whole playlist, and the start of a segment.
func ExampleClient() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/live.m3u8" {
			io.WriteString(w, "#EXTM3U\nseg.ts\n")
			return
		}
		http.ServeContent(w, r, "seg.ts", time.Time{}, bytes.NewReader(make([]byte, 2_000_000)))
	}))
	defer server.Close()
	ctx := context.Background()
	stream, err := url.Parse(server.URL + "/live.m3u8")
	if err != nil {
		fmt.Println(err)
		return
	}

	c := fetch.New(stream, nil)
	defer c.Close()
	c.StartJob()
	playlist, err := c.Get(ctx, stream, 1<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", playlist.Body)

	segment := c.Open(ctx, playlist.URL.JoinPath("../seg.ts"), fetch.Range{First: 100_000, Next: 20_000})
	defer segment.Close()
	if _, err := io.ReadFull(segment, make([]byte, 110_000)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("of", segment.Size(), "bytes:")
	for _, r := range segment.Ranges() {
		fmt.Println(r.Code, "from", r.Offset, "asked", r.Length)
	}
	// Output:
	// "#EXTM3U\nseg.ts\n"
	// of 2000000 bytes:
	// 206 from 0 asked 100000
	// 206 from 100000 asked 20000
}
