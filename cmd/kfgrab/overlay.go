package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/overlay"
)

// caption is what --overlay writes into a picture.
type caption struct {
	name     string // of the stream
	timeless bool
	format   decode.Format // JPEG or PNG
	quality  int           // of JPEG; 0 is the default
}

// overlayQuality is what decode.Output has where none is named.
const overlayQuality = 90

// lines say when the scene was shot where the stream tells that, and how old it was when
// it was taken; else when it was taken.
func (c *caption) lines(snap *kfgrab.Snapshot) []string {
	const format = "2006-01-02 15:04:05 UTC"
	switch {
	case c.timeless:
		return []string{c.name}
	case snap.MediaTime.IsZero():
		return []string{c.name, "taken " + snap.Taken.UTC().Format(format)}
	}
	age := snap.Taken.Sub(snap.MediaTime).Round(100 * time.Millisecond)
	return []string{c.name, fmt.Sprintf("%s, %.1f s old", snap.MediaTime.UTC().Format(format), age.Seconds())}
}

// draw makes of the RGB24 picture in b, which was decoded to o, one of the format.
func (c *caption) draw(b *bytes.Buffer, o decode.Output, snap *kfgrab.Snapshot) error {
	width, height := o.Size(snap.Frame.Info)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	img.Pix = img.Pix[:0]
	for pixel := range slices.Chunk(b.Bytes(), 3) {
		img.Pix = append(img.Pix, pixel[0], pixel[1], pixel[2], 0xff)
	}
	if err := overlay.Draw(img, c.lines(snap)); err != nil {
		return err
	}
	b.Reset()
	if c.format == decode.PNG {
		return png.Encode(b, img)
	}
	quality := c.quality
	if quality == 0 {
		quality = overlayQuality
	}
	return jpeg.Encode(b, img, &jpeg.Options{Quality: quality})
}
