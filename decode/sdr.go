package decode

import (
	"context"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

// toSDR says what of the colours does not fit in a picture of BT.709.
type toSDR uint8

const (
	fits    toSDR = iota
	wide          // the primaries
	tooHigh       // and the luminance: HDR
)

// Code points of ISO/IEC 23091-2. Some stand for primaries and for a matrix, and bt709
// for a transfer function, too.
const (
	gbrMatrix   = 0
	bt709       = 1
	bt601       = 6
	yCgCoMatrix = 8
	bt2020      = 9
	yDzDxMatrix = 11
	smpte431    = 11 // primaries of cinema, and
	displayP3   = 12 // with the white of BT.709
)

func toSDROf(i keyframe.Info) toSDR {
	switch {
	case i.Matrix == gbrMatrix, i.Matrix == yCgCoMatrix, i.Matrix == yDzDxMatrix: // which scale cannot read
		return fits
	case i.HDR():
		return tooHigh
	case i.Primaries == bt2020, i.Primaries == smpte431, i.Primaries == displayP3:
		return wide
	}
	return fits
}

// filters go from any format to yuv444p of BT.709, and end with scale. What SDR and HDR both have,
// up to the white of 203 cd/m² (ITU-R BT.2408), stays nearly as it is; what is above
// that, up to the 1000 that most is made for, is pressed into the rest.
func (t toSDR) filters() string {
	switch t {
	case wide:
		return ",format=yuv444p10,zscale=p=bt709:t=bt709:m=bt709:r=limited,format=yuv444p,scale=iw:ih"
	case tooHigh:
		return ",format=yuv444p10,zscale=t=linear:npl=203,format=gbrpf32,zscale=p=bt709," +
			"tonemap=mobius:peak=5:desat=0,zscale=t=bt709:m=bt709:r=limited,format=yuv444p,scale=iw:ih"
	}
	return ""
}

// complete fills in what zscale asks for and the stream does not tell.
func (t toSDR) complete(i *keyframe.Info) {
	if t == fits {
		return
	}
	if i.Primaries == keyframe.Unspecified {
		i.Primaries = bt2020
	}
	if i.Matrix == keyframe.Unspecified {
		i.Matrix = bt2020
	}
	if i.Transfer == keyframe.Unspecified {
		i.Transfer = bt709
	}
}

// Primaries returns the code point (ISO/IEC 23091-2) of the primaries of the picture
// that Decode makes of a frame with that Info, for metadata.Fields: those of BT.709,
// which are sRGB's, where they are made so or the stream does not tell, else the
// stream's.
func Primaries(i keyframe.Info) int {
	if toSDROf(i) != fits || i.Primaries <= 0 || i.Primaries == keyframe.Unspecified {
		return bt709
	}
	return i.Primaries
}

// ToneMaps says whether the ffmpeg that Decode runs has the filters that make SDR of
// HDR and of wide colours. Without, Decode leaves those as they are, which looks pale.
// The error is an *Error.
func (d *Decoder) ToneMaps(ctx context.Context) (bool, error) {
	filters, err := d.list(ctx, "-filters")
	return slices.Contains(filters, "zscale") && slices.Contains(filters, "tonemap"), err
}
