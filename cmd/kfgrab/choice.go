package main

import (
	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/hls"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/keyframe"
)

// choiceFlags say from which rendition of an HLS stream to take the picture. The
// command probe looks into all.
type choiceFlags struct {
	maxBandwidth bandwidth
	rendition    rendition
	codec        codec
	allowTiles   bool
}

func (f *choiceFlags) register(flags *pflag.FlagSet) {
	flags.Var(&f.maxBandwidth, "max-bandwidth", "`bit/s` of the HLS rendition at most, such as 2.5M or 800k; where all have more, the cheapest is taken")
	flags.Var(&f.rendition, "rendition", "`which` HLS rendition, in place of what --width and --height lead to: best, worst, a height such as 720p, or an index as kfgrab probe has it")
	flags.Var(&f.codec, "codec", "`name` of the only codec to take, h264 or h265")
	flags.BoolVar(&f.allowTiles, "allow-tiles", false, "take a ready-made JPEG tile of an HLS stream in place of a keyframe, where it is as large as --width and --height ask for")
}

func (f *choiceFlags) apply(o *kfgrab.Options) {
	o.MaxBandwidth, o.Rendition, o.Codec = int(f.maxBandwidth), kfgrab.Selector(f.rendition), keyframe.Codec(f.codec)
	o.AllowTiles = f.allowTiles
}

// bandwidth is a flag's number of bits a second.
type bandwidth int

func (b *bandwidth) Type() string { return "bit/s" }

func (b *bandwidth) String() string { return units.FormatDecimal(int(*b)) }

func (b *bandwidth) Set(text string) error {
	v, err := units.ParseBitrate(text)
	*b = bandwidth(v)
	return err
}

// rendition is a flag's choice among the renditions of a master playlist.
type rendition kfgrab.Selector

func (r *rendition) Type() string { return "rendition" }

func (r *rendition) String() string { return kfgrab.Selector(*r).String() }

func (r *rendition) Set(text string) error {
	v, err := hls.ParseRendition(text)
	*r = rendition(v)
	return err
}

// codec is a flag's choice of a codec, by the names that are in use.
type codec keyframe.Codec

func (c *codec) Type() string { return "codec" }

func (c *codec) String() string {
	if *c == codec(keyframe.UnknownCodec) {
		return ""
	}
	return keyframe.Codec(*c).String()
}

func (c *codec) Set(text string) error {
	v, err := keyframe.ParseCodec(text)
	*c = codec(v)
	return err
}
