package kfgrab_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"

	kfgrab "github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// demo serves a directory of test files.
func demo(name string) *httptest.Server {
	path, err := testmedia.Path(name)
	if err != nil {
		log.Fatal(err)
	}
	return httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(path))))
}

// Fetch one keyframe of a stream and report its cost.
func ExampleGrab() {
	server := demo("hls-1080p-fmp4") // one segment of 4 MB
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()

	snap, err := kfgrab.Grab(ctx, server.URL+"/index.m3u8", nil)
	if err != nil {
		log.Fatal(kfgrab.ClassOf(err), ": ", err)
	}
	f := snap.Frame
	fmt.Println(f.Codec, f.Kind, f.Info.Width, f.Info.Height)
	fmt.Println("no more than 8 kB besides the keyframe:", snap.Cost.Down-int64(len(f.Data)) < 8000)
	// Output:
	// h264 idr 1920 1080
	// no more than 8 kB besides the keyframe: true
}

// Grab a stream again and again, for pictures 300 wide.
func ExampleOpen() {
	server := demo("hls-ladder")
	defer server.Close()

	s, err := kfgrab.Open(server.URL+"/master.m3u8", &kfgrab.Options{Width: 300})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for range 3 {
		snap, err := s.Grab(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(snap.Frame.Info.Width, "wide, in", snap.Cost.Requests, "requests")
	}
	// Output:
	// 320 wide, in 3 requests
	// 320 wide, in 2 requests
	// 320 wide, in 2 requests
}

// List what is in a stream for at most one keyframe per rendition.
func ExampleStream_Probe() {
	server := demo("hls-ladder")
	defer server.Close()

	s, err := kfgrab.Open(server.URL+"/master.m3u8", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	renditions, err := s.Probe(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range renditions {
		fmt.Println(r.Codec, r.Info.Width, r.Info.Height, len(r.Tracks), "tracks")
	}
	// Output:
	// h264 640 360 2 tracks
	// h264 320 180 2 tracks
	// h264 160 90 2 tracks
}
