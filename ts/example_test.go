package ts_test

import (
	"fmt"
	"log"
	"os"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/ts"
)

// The first keyframe of a transport stream, and the streams in its program.
func ExampleReader() {
	path, err := testmedia.Path("h264.ts") // any transport stream
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	r := ts.NewReader(file, nil)
	f, err := r.Keyframe()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Codec, f.Kind, f.Info.Width, f.Info.Height)
	for _, t := range r.Tracks() {
		fmt.Println(t.ID, t.Type, t.Codec)
	}
	// Output:
	// h264 idr 640 360
	// 256 video h264
	// 257 audio aac
}
