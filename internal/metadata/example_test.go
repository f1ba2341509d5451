package metadata_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"log"
	"time"

	"github.com/kfgrab/kfgrab/internal/metadata"
)

// A JPEG, such as one of package decode, that names its source.
func ExampleJPEG() {
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 16, 16)), nil); err != nil {
		log.Fatal(err)
	}
	told, err := metadata.JPEG(picture.Bytes(), metadata.Fields{
		Source: "rtsp://camera/stream", // Snapshot.URL has no credentials
		Taken:  time.Date(2026, 3, 1, 0, 2, 3, 0, time.UTC),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(told, []byte(`dc:source="rtsp://camera/stream"`)))
	// Output: true
}
