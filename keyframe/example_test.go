package keyframe_test

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Access units that arrive one by one, as in RTP or MP4: the container knows
// where each one ends.
func ExampleAssembler() {
	path, err := testmedia.Path("h264.264") // any H.264 byte stream
	if err != nil {
		log.Fatal(err)
	}
	stream, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	a := keyframe.NewAssembler(keyframe.H264)
	units := 0
	for nalu := range keyframe.AnnexB(stream) {
		units++
		if f := a.Push(nalu, keyframe.NoPTS); f != nil {
			fmt.Println(f.Codec, f.Kind, f.Info.Width, f.Info.Height)
			fmt.Println("known at the second access unit:", units < 10)
			return
		}
	}
	log.Fatal(a.NotFound())
	// Output:
	// h264 idr 640 360
	// known at the second access unit: true
}

// A byte stream that arrives in pieces cut anywhere.
func ExampleByteStream() {
	path, err := testmedia.Path("h265.265") // any H.265 byte stream
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	b := keyframe.NewByteStream(keyframe.H265)
	keyframes, piece := 0, make([]byte, 1000)
	for {
		n, err := file.Read(piece)
		b.Push(piece[:n])
		for b.Next() != nil {
			keyframes++
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	if b.Flush() != nil {
		keyframes++
	}
	fmt.Println(keyframes, "keyframes in three seconds")
	// Output:
	// 3 keyframes in three seconds
}
