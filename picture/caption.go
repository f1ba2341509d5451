package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/overlay"
)

// defaultQuality is that of decode.Output.
const defaultQuality = 90

// captionLines returns the stream's name, when the scene was shot, and how old it was when
// the picture was taken. If the stream carries no time, the line says when the picture was
// taken.
func (o *Options) captionLines(s *kfgrab.Snapshot) []string {
	const format = "2006-01-02 15:04:05 UTC"
	switch {
	case o.Deterministic:
		return []string{o.Name}
	case s.MediaTime.IsZero():
		return []string{o.Name, "taken " + s.Taken.UTC().Format(format)}
	}

	age := s.Taken.Sub(s.MediaTime).Round(100 * time.Millisecond)
	return []string{o.Name, fmt.Sprintf("%s, %.1f s old", s.MediaTime.UTC().Format(format), age.Seconds())}
}

// drawCaption replaces the RGB24 picture in b by one in o.Format with the caption.
func (o *Options) drawCaption(b *bytes.Buffer, s *kfgrab.Snapshot) error {
	width, height := o.Output.Size(s.Frame.Info)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	img.Pix = img.Pix[:0]
	for pixel := range slices.Chunk(b.Bytes(), 3) {
		img.Pix = append(img.Pix, pixel[0], pixel[1], pixel[2], 0xff)
	}
	if err := overlay.Draw(img, o.captionLines(s)); err != nil {
		return err
	}

	b.Reset()
	if o.Format == PNG {
		return png.Encode(b, img)
	}
	quality := o.Output.Quality
	if quality == 0 {
		quality = defaultQuality
	}
	return jpeg.Encode(b, img, &jpeg.Options{Quality: quality})
}
