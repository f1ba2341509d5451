package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/hls"
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

func (b *bandwidth) String() string {
	return decimal(int(*b))
}

// decimal writes a number with k or M for powers of 1000; of 0 nothing.
func decimal(n int) string {
	switch v := float64(n); {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
	case v > 0:
		return strconv.Itoa(n)
	}
	return ""
}

// parseDecimal reads a number with k, M or G for powers of 1000 and a fraction before
// them.
func parseDecimal(text string) (float64, error) {
	number, factor := text, 1.0
	for suffix, power := range map[string]float64{"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9} {
		if before, found := strings.CutSuffix(text, suffix); found {
			number, factor = before, power
		}
	}
	if strings.Trim(number, "0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	v, err := strconv.ParseFloat(number, 64)
	return math.Round(v * factor), err
}

func (b *bandwidth) Set(text string) error {
	v, err := parseDecimal(text)
	// A variant's bandwidth is a number of at most 64 bits; a petabit does for all.
	if err != nil || v < 1 || v > 1e15 {
		return fmt.Errorf("%q is no number of bits a second; write 800k or 2.5M", text)
	}
	*b = bandwidth(v)
	return nil
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
	switch strings.ToLower(text) {
	case "h264", "avc":
		*c = codec(keyframe.H264)
	case "h265", "hevc":
		*c = codec(keyframe.H265)
	default:
		return fmt.Errorf("%q is neither h264 nor h265", text)
	}
	return nil
}
