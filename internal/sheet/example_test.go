package sheet_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/sheet"
)

// One moment every ten seconds of a film, and the track that players use to
// show them.
func ExampleMake() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := sheet.Make(ctx, "https://example.com/film/master.m3u8", &sheet.Options{Every: 10 * time.Second, Width: 160})
	if err != nil {
		fmt.Println(err) // kfgrab.ClassOf(err) classifies it
		return
	}
	if err := s.Missing(); err != nil {
		fmt.Println(err) // some tiles are empty
	}
	picture, err := os.Create("film.jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer picture.Close()
	if err := s.Encode(picture, decode.JPEG, 0); err != nil {
		fmt.Println(err)
	}
	s.WriteVTT(os.Stdout, "film.jpg")
}
