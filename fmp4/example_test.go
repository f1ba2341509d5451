package fmp4_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// The keyframe on screen after two and a half seconds of a film.
func ExampleMovie() {
	path, err := testmedia.Path("moov-last.mp4") // any MP4 file
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	f, err := fmp4.NewMovie(file, -1, nil).KeyframeAt(2500 * time.Millisecond)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Codec, f.Kind, f.PTS, f.Info.Width, f.Info.Height)
	// Output: h264 idr 2s 640 360
}

// A keyframe as a file of its own.
func ExampleMux() {
	path, err := testmedia.Path("faststart.mp4")
	if err != nil {
		log.Fatal(err)
	}
	film, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	f, err := fmp4.NewMovie(bytes.NewReader(film), int64(len(film)), nil).Keyframe()
	if err != nil {
		log.Fatal(err)
	}
	still, err := fmp4.Mux(f)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(still) < len(film)/10)
	// Output: true
}
