package file_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/kfgrab/kfgrab/internal/file"
	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// The keyframe on screen after two and a half seconds, from a file of any
// format.
func ExampleOpen() {
	for _, name := range []string{"moov-last.mp4", "h264.ts"} {
		path, err := testmedia.Path(name)
		if err != nil {
			log.Fatal(err)
		}
		s := file.Open(path, &file.Options{At: 2500 * time.Millisecond})
		f, err := s.Keyframe(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Codec, f.Kind, f.Info.Width, f.Info.Height)
		s.Close()
	}
	// Output:
	// h264 idr 640 360
	// h264 idr 640 360
}
