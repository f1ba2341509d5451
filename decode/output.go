package decode

import (
	"errors"
	"fmt"
	"math"

	"github.com/kfgrab/kfgrab/internal/imagefile"
	"github.com/kfgrab/kfgrab/keyframe"
)

// Output describes the picture to make. The zero value is a JPEG of the stream's size,
// upright and with square pixels.
//
// Pixels that are not square are stretched along their longer side, never squeezed, as
// players do: 720x576 at 16:11 becomes 1047x576, 640x480 at 3:4 becomes 640x640.
type Output struct {
	Format Format

	// Width and Height are in pixels, at most 16383. If one of them is 0, it follows
	// from the other and the aspect ratio. If both are set, the picture has that size
	// whatever its aspect ratio, and Fit says how.
	Width, Height int
	Fit           Fit // other than Fill only if both are set

	// Crop is the part to show in place of the whole picture.
	Crop Crop

	// Quality goes from 1, smallest, to 100, best; 0 means 90. PNG, RGB24 and BGR24
	// are lossless and ignore it.
	Quality int

	// KeepInterlaced leaves the two fields of an interlaced picture as they are, on
	// alternate lines. Otherwise the picture shows one moment: lines of the other field
	// are interpolated where they differ.
	KeepInterlaced bool

	// MaxPixels bounds the pixels of a picture, coded or written. Larger pictures are
	// not decoded. 0 means the constant MaxPixels, the highest limit.
	MaxPixels int
}

// MaxPixels bounds the memory that a stream can make the decoder allocate: an 8K
// picture has 33 million pixels, the largest of H.264 level 6.2 has 36 million.
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
	// maxAspect is the sample aspect ratio above which a stream's value is ignored as
	// nonsense. The widest in the standards' tables is 32:11.
	maxAspect = 10
)

// Validate returns an error if a field of o is out of bounds.
func (o Output) Validate() error {
	switch {
	case int(o.Format) >= len(formats):
		return fmt.Errorf("unknown picture format %d", o.Format)
	case o.Width < 0 || o.Width > maxSide || o.Height < 0 || o.Height > maxSide:
		return fmt.Errorf("picture size %dx%d is out of bounds: want 1 to %d, or 0 to keep the aspect ratio", o.Width, o.Height, maxSide)
	case o.MaxPixels < 0 || o.MaxPixels > MaxPixels:
		return fmt.Errorf("pixel limit %d is out of bounds: want 1 to %d, or 0 for that", o.MaxPixels, MaxPixels)
	case o.Width*o.Height > o.maxPixels():
		return fmt.Errorf("picture size %dx%d is out of bounds: more than %d pixels", o.Width, o.Height, o.maxPixels())
	case o.Quality < 0 || o.Quality > 100:
		return fmt.Errorf("quality %d is out of bounds: want 1 to 100, or 0 for the default", o.Quality)
	case int(o.Fit) >= len(fitNames):
		return fmt.Errorf("unknown fit %d", o.Fit)
	case o.Fit != Fill && (o.Width == 0 || o.Height == 0):
		return fmt.Errorf("fit %v needs both width and height", o.Fit)
	}
	return o.Crop.validate()
}

// Size returns the size in pixels of the picture that Decode makes of a frame with that
// Info. It is 0, 0 if the Info holds no size.
func (o Output) Size(i keyframe.Info) (width, height int) {
	if i.Width <= 0 || i.Height <= 0 {
		return 0, 0
	}
	if o.Width > 0 && o.Height > 0 {
		return o.Width, o.Height
	}

	w, h, sar := uprightSize(i)
	if o.Crop != (Crop{}) {
		part := o.Crop.toPixels(Output{}.Size(i))
		w, h, sar = float64(part.Dx()), float64(part.Dy()), 1
	}
	switch {
	case o.Width > 0:
		return o.Width, roundPixels(float64(o.Width) * h / (w * sar))
	case o.Height > 0:
		return roundPixels(float64(o.Height) * (w * sar) / h), o.Height
	}
	return roundPixels(w * max(sar, 1)), roundPixels(h / min(sar, 1))
}

// uprightSize returns the size of the stream's picture after rotation, and its sample
// aspect ratio.
func uprightSize(i keyframe.Info) (w, h, sar float64) {
	if i.FieldSeq {
		i.Height *= 2
	}
	if i.Rotation%180 != 0 {
		i.Width, i.Height = i.Height, i.Width
		i.SARNum, i.SARDen = i.SARDen, i.SARNum
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

func roundPixels(f float64) int { return max(1, int(math.Round(f))) }

// Needed returns how large the whole picture has to be so that o enlarges nothing, for
// the choice of a rendition. It is 0, 0 if the largest is needed, for instance for a
// Crop in pixels, which counts the pixels of that rendition.
func (o Output) Needed() (width, height int) {
	if o.Crop == (Crop{}) {
		return o.Width, o.Height
	}
	if !o.Crop.Percent {
		return 0, 0
	}
	whole := func(part int, percent float64) int {
		return int(min(math.MaxInt32, math.Ceil(float64(part)*100/percent)))
	}
	return whole(o.Width, o.Crop.Width), whole(o.Height, o.Crop.Height)
}

// errNotOnePicture means that ffmpeg wrote something else than one picture.
var errNotOnePicture = errors.New("ffmpeg wrote something else than one picture")

// isWhole reports whether b, written so far, is one whole picture of Width×Height
// pixels. It goes by the marks of the format, not by pauses. The error is not nil if b
// is more than one picture, or something else.
func (o Output) isWhole(b []byte) (bool, error) {
	size, known := 3*o.Width*o.Height, true
	switch o.Format {
	case JPEG:
		size, known = imagefile.JPEGSize(b)
	case PNG:
		size, known = imagefile.PNGSize(b)
	case WebP:
		size, known = imagefile.WebPSize(b)
	}

	if known && (size < len(b) || size == 0) {
		return false, errNotOnePicture
	}
	return known && size == len(b), nil
}

// saneAspect is the sample aspect ratio in ffmpeg's language, as Size uses it.
const saneAspect = `if(gt(sar,10)+lt(sar,1/10),1,sar)`

// scaleFilter is Size in ffmpeg's language: the same operations in the same order on
// the same doubles.
func (o Output) scaleFilter() string {
	if o.Width > 0 && o.Height > 0 {
		return o.Fit.scaleFilter(o.Width, o.Height)
	}

	w, h := `max(1,round(iw*max(`+saneAspect+`,1)))`, `max(1,round(ih/min(`+saneAspect+`,1)))`
	switch {
	case o.Width > 0:
		w, h = fmt.Sprint(o.Width), fmt.Sprintf(`max(1,round(%d*ih/(iw*%s)))`, o.Width, saneAspect)
	case o.Height > 0:
		w, h = fmt.Sprintf(`max(1,round(%d*(iw*%s)/ih))`, o.Height, saneAspect), fmt.Sprint(o.Height)
	}
	return `scale=w='` + w + `':h='` + h + `'`
}

// Fit is how a picture of another shape becomes Output.Width by Output.Height, in the
// words of CSS (object-fit, CSS Images 3, 4.5).
type Fit uint8

// The ways to fit.
const (
	Fill    Fit = iota // the picture is stretched
	Cover              // the picture fills the size, and is cut off equally at two sides
	Contain            // the whole picture is shown between black bars
)

var fitNames = [...]string{Fill: "fill", Cover: "cover", Contain: "contain"}

// ParseFit reads what String returns.
func ParseFit(text string) (Fit, error) {
	for f, name := range fitNames {
		if text == name {
			return Fit(f), nil
		}
	}
	return 0, fmt.Errorf("unknown fit %q: want fill, cover or contain", text)
}

// String returns "fill", "cover" or "contain".
func (f Fit) String() string {
	if int(f) >= len(fitNames) {
		return fmt.Sprintf("Fit(%d)", uint8(f))
	}
	return fitNames[f]
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (f Fit) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what ParseFit does. It implements encoding.TextUnmarshaler.
func (f *Fit) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFit(string(text))
	return err
}

// scaleFilter scales to width and height. Cover crops first, because scaling pixels that
// are then cut off would cost more, and at an even pixel, where colour may begin.
func (f Fit) scaleFilter(width, height int) string {
	box := fmt.Sprintf(`w='%d':h='%d'`, width, height)
	switch f {
	case Cover:
		return fmt.Sprintf(`crop=w='max(1,min(iw,round(ih*%d/(%d*%s))))':h='max(1,min(ih,round(iw*%s*%d/%d)))'`+
			`:x='2*floor((iw-ow)/4)':y='2*floor((ih-oh)/4)':exact=1,scale=`, width, height, saneAspect, saneAspect, height, width) + box
	case Contain:
		return fmt.Sprintf(`scale=w='min(%d,max(1,round(%d*iw*%s/ih)))':h='min(%d,max(1,round(%d*ih/(iw*%s))))'`,
			width, height, saneAspect, height, width, saneAspect)
	}
	return `scale=` + box
}

// padFilter adds the bars of Contain. With subsampled colour, ffmpeg could not place
// them at odd offsets, so they are added in format, which has all colour samples.
func (o Output) padFilter(format string) string {
	if o.Fit != Contain {
		return ""
	}
	if format != "" {
		format = ",format=" + format
	}

	return fmt.Sprintf("%s,pad=%d:%d:(ow-iw)/2:(oh-ih)/2", format, o.Width, o.Height)
}
