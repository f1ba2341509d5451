package overlay_test

import (
	"fmt"
	"image"
	"log"

	"github.com/kfgrab/kfgrab/internal/overlay"
)

func ExampleDraw() {
	img := image.NewRGBA(image.Rect(0, 0, 320, 180))
	if err := overlay.Draw(img, []string{"front door", "2026-03-01 00:02:03 UTC"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(img.Bounds())
	// Output: (0,0)-(320,180)
}
