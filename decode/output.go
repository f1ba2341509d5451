package decode

import (
	"fmt"
	"math"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Output says what the picture is to be like. The zero value is a JPEG of the
// stream's size with square pixels, upright.
//
// Pixels that are not square are stretched along their longer side, never
// squeezed, as players do: 720x576 at 16:11 becomes 1047x576, 640x480 at 3:4
// becomes 640x640.
type Output struct {
	Format Format

	// Width and Height are in pixels, at most 16383. Where one of them is 0 it
	// follows from the other and the aspect ratio; where both are given, the
	// picture is that size whatever its aspect ratio, and Fit says how.
	Width, Height int
	Fit           Fit // other than Fill where both are given alone

	// Crop is the part that is shown in place of the whole picture.
	Crop Crop

	// Quality goes from 1, smallest, to 100, best; 0 is 90. PNG, RGB24 and
	// BGR24 lose nothing and pass it over.
	Quality int

	// KeepInterlaced leaves the two fields of an interlaced picture as they are, a line
	// each in turn. Else the picture is that of one moment, whose lines fill those of the
	// other field where that shows something else.
	KeepInterlaced bool

	// MaxPixels bounds the pixels of a picture, coded or written; those of a larger one
	// are not decoded. 0 is the largest bound, MaxPixels.
	MaxPixels int
}

// MaxPixels bounds what a stream can make the decoder allocate: an 8K picture has 33
// million pixels, the largest of H.264 level 6.2 has 36 million.
const MaxPixels = 64_000_000

func (o Output) maxPixels() int {
	if o.MaxPixels > 0 {
		return o.MaxPixels
	}
	return MaxPixels
}

const (
	// maxSide is the limit of WebP (RFC 9649 2.5), the narrowest of the formats.
	maxSide = 16383
	// maxAspect is the sample aspect ratio beyond which a stream's value is taken
	// for nonsense and passed over. The widest of the standards' tables is 32:11.
	maxAspect = 10
)

// Validate says what of o is out of bounds, nil where nothing is.
func (o Output) Validate() error {
	switch {
	case int(o.Format) >= len(formats):
		return fmt.Errorf("unknown picture format %d", o.Format)
	case o.Width < 0 || o.Width > maxSide || o.Height < 0 || o.Height > maxSide:
		return fmt.Errorf("picture size %dx%d is out of bounds: want 1 to %d, or 0 to keep the aspect ratio", o.Width, o.Height, maxSide)
	case o.MaxPixels < 0 || o.MaxPixels > MaxPixels:
		return fmt.Errorf("a bound of %d pixels is out of bounds: want 1 to %d, or 0 for that", o.MaxPixels, MaxPixels)
	case o.Width*o.Height > o.maxPixels():
		return fmt.Errorf("picture size %dx%d is out of bounds: more than %d pixels", o.Width, o.Height, o.maxPixels())
	case o.Quality < 0 || o.Quality > 100:
		return fmt.Errorf("quality %d is out of bounds: want 1 to 100, or 0 for the default", o.Quality)
	case int(o.Fit) >= len(fitNames):
		return fmt.Errorf("unknown way to fit %d", o.Fit)
	case o.Fit != Fill && (o.Width == 0 || o.Height == 0):
		return fmt.Errorf("to %v what, there have to be a width and a height", o.Fit)
	}
	return o.Crop.validate()
}

// Size returns the size in pixels of the picture that Decode makes of a frame
// with that Info: 0, 0 where the Info holds no size.
func (o Output) Size(i keyframe.Info) (width, height int) {
	if i.Width <= 0 || i.Height <= 0 {
		return 0, 0
	}
	if o.Width > 0 && o.Height > 0 {
		return o.Width, o.Height
	}
	w, h, sar := upright(i)
	if o.Crop != (Crop{}) {
		part := o.Crop.rectangle(Output{}.Size(i))
		w, h, sar = float64(part.Dx()), float64(part.Dy()), 1
	}
	switch {
	case o.Width > 0:
		return o.Width, pixels(float64(o.Width) * h / (w * sar))
	case o.Height > 0:
		return pixels(float64(o.Height) * (w * sar) / h), o.Height
	}
	return pixels(w * max(sar, 1)), pixels(h / min(sar, 1))
}

// upright is the size in pixels of the stream, of the picture as it stands.
func upright(i keyframe.Info) (w, h, sar float64) {
	if i.FieldSeq {
		i.Height *= 2
	}
	if i.Rotation%180 != 0 {
		i.Width, i.Height, i.SARNum, i.SARDen = i.Height, i.Width, i.SARDen, i.SARNum
	}
	sar = 1
	if i.SARNum > 0 && i.SARDen > 0 {
		sar = float64(i.SARNum) / float64(i.SARDen)
	}
	if sar > maxAspect || sar < 1.0/maxAspect {
		sar = 1
	}
	return float64(i.Width), float64(i.Height), sar
}

func pixels(f float64) int { return max(1, int(math.Round(f))) }

// Needed returns how large the whole picture has to be for o to enlarge nothing, to
// choose by among renditions: 0, 0 where the largest is wanted, as for a Crop in
// pixels, which are its.
func (o Output) Needed() (width, height int) {
	if o.Crop == (Crop{}) {
		return o.Width, o.Height
	}
	if !o.Crop.Percent {
		return 0, 0
	}
	all := func(part int, percent float64) int {
		return int(min(math.MaxInt32, math.Ceil(float64(part)*100/percent)))
	}
	return all(o.Width, o.Crop.Width), all(o.Height, o.Crop.Height)
}

// sane is the sample aspect ratio in ffmpeg's language, as Size takes it.
const sane = `if(gt(sar,10)+lt(sar,1/10),1,sar)`

// scale is Size as arguments of ffmpeg's scale filter: the same operations in
// the same order on the same doubles.
func (o Output) scale() string {
	if o.Width > 0 && o.Height > 0 {
		return o.Fit.filters(o.Width, o.Height)
	}
	w, h := `max(1,round(iw*max(`+sane+`,1)))`, `max(1,round(ih/min(`+sane+`,1)))`
	switch {
	case o.Width > 0:
		w, h = fmt.Sprint(o.Width), fmt.Sprintf(`max(1,round(%d*ih/(iw*%s)))`, o.Width, sane)
	case o.Height > 0:
		w, h = fmt.Sprintf(`max(1,round(%d*(iw*%s)/ih))`, o.Height, sane), fmt.Sprint(o.Height)
	}
	return `scale=w='` + w + `':h='` + h + `'`
}
