package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color/palette"
	"image/draw"
	"image/png"
	"io"

	"github.com/BourgeoisBear/rasterm"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	showWidth  = 640 // pixels, where the terminal draws pixels
	blockWidth = 78  // columns of a terminal that has characters only

	shown = decode.PNG
)

// showPicture draws the picture in the terminal: with the protocol of kitty, iTerm2 or sixel,
// else in coloured half blocks. It has the shape of o, and another size.
func showPicture(ctx context.Context, w io.Writer, d *decode.Decoder, f *keyframe.Frame, o decode.Output) error {
	sixel, _ := rasterm.IsSixelCapable() // an error means no sixel
	width := showWidth
	pixels := rasterm.IsKittyCapable() || rasterm.IsItermCapable() || sixel
	if !pixels {
		width = blockWidth
	}
	if o.Width > 0 && o.Height > 0 {
		o.Height = max(1, width*o.Height/o.Width)
	} else {
		o.Height = 0
	}
	o.Format, o.Width = shown, width
	var data bytes.Buffer
	if err := d.Decode(ctx, &data, f, o); err != nil {
		return err
	}
	img, err := png.Decode(&data)
	if err != nil {
		return err
	}

	switch {
	case rasterm.IsKittyCapable():
		err = rasterm.KittyWriteImage(w, img, rasterm.KittyImgOpts{})
	case rasterm.IsItermCapable():
		err = rasterm.ItermWriteImage(w, img)
	case sixel:
		p := image.NewPaletted(img.Bounds(), palette.Plan9)
		draw.FloydSteinberg.Draw(p, p.Bounds(), img, img.Bounds().Min)
		err = rasterm.SixelWriteImage(w, p)
	default:
		return writeHalfBlocks(w, img)
	}
	fmt.Fprintln(w)
	return err
}

// writeHalfBlocks draws two pixels per character: the upper one as the colour of a half block,
// the lower one as its background.
func writeHalfBlocks(w io.Writer, img image.Image) error {
	out := bufio.NewWriter(w)
	b := img.Bounds()

	for y := b.Min.Y; y+1 < b.Max.Y; y += 2 {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			r2, g2, b2, _ := img.At(x, y+1).RGBA()
			fmt.Fprintf(out, "\x1b[38;2;%d;%d;%dm\x1b[48;2;%d;%d;%dm▀", r>>8, g>>8, bl>>8, r2>>8, g2>>8, b2>>8)
		}
		fmt.Fprint(out, "\x1b[0m\n")
	}
	return out.Flush()
}
