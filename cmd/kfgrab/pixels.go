package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/units"
)

// pixelFlags say how pixels are made of what is coded, for one picture and for many.
type pixelFlags struct {
	crop        crop
	deinterlace deinterlace
	maxPixels   pixelCount
}

func (f *pixelFlags) register(flags *pflag.FlagSet) {
	flags.Var(&f.crop, "crop", "`part` of the picture to show, before it is scaled: 640x360+320+180 (width, height, from the left, from the top) in pixels, or 50%x50%+25%+25%")
	flags.Var(&f.deinterlace, "deinterlace", "`auto` makes interlaced pictures whole, off leaves their two fields (default auto)")
	flags.Var(&f.maxPixels, "max-pixels", "`number` of pixels in a picture at most, coded or written, such as 9M; a larger one is refused and not decoded (default 64M)")
}

func (f *pixelFlags) apply(o *decode.Output) {
	o.Crop = decode.Crop(f.crop)
	o.KeepInterlaced, o.MaxPixels = bool(f.deinterlace), int(f.maxPixels)
}

// crop is a flag's part of a picture.
type crop decode.Crop

func (c *crop) Type() string { return "part" }

func (c *crop) String() string { return decode.Crop(*c).String() }

func (c *crop) Set(text string) error {
	v, err := decode.ParseCrop(text)
	*c = crop(v)
	return err
}

// fit is a flag's way into a size of another shape.
type fit decode.Fit

func (f *fit) Type() string { return "fit" }

func (f *fit) String() string { return decode.Fit(*f).String() }

func (f *fit) Set(text string) error {
	v, err := decode.ParseFit(text)
	*f = fit(v)
	return err
}

// deinterlace is a flag's off or auto.
type deinterlace bool

func (d *deinterlace) Type() string { return "auto" }

func (d *deinterlace) String() string {
	if *d {
		return "off"
	}
	return ""
}

func (d *deinterlace) Set(text string) error {
	if text != "auto" && text != "off" {
		return fmt.Errorf("%q is neither auto nor off", text)
	}
	*d = text == "off"
	return nil
}

// pixelCount is a flag's number of pixels.
type pixelCount int

func (p *pixelCount) Type() string { return "number" }

func (p *pixelCount) String() string { return units.FormatDecimal(int(*p)) }

func (p *pixelCount) Set(text string) error {
	v, err := units.ParsePixels(text, decode.MaxPixels)
	*p = pixelCount(v)
	return err
}
