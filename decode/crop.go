package decode

import (
	"errors"
	"fmt"
	"image"
	"math"
	"regexp"
	"strconv"
)

// Crop is a part of the picture as it is shown: upright and with square pixels, before
// Output.Width and Height scale it. The zero value means the whole picture.
type Crop struct {
	Width, Height float64
	X, Y          float64 // of the upper left corner

	// Percent says that all four are percentages of the picture's width and height,
	// with edges rounded to pixels. Otherwise they are pixels and whole numbers.
	Percent bool
}

// ErrCrop is wrapped if a Crop in pixels does not lie within the picture.
var ErrCrop = errors.New("the crop does not lie within the picture")

// geometry is the notation of the X Window System, X(7), without negative offsets.
var geometry = regexp.MustCompile(`^([0-9.]+)(%?)x([0-9.]+)(%?)\+([0-9.]+)(%?)\+([0-9.]+)(%?)$`)

// ParseCrop reads "640x360+320+180", which is width, height and the upper left corner
// in pixels, or the same in per cent, "50%x50%+25%+25%".
func ParseCrop(text string) (Crop, error) {
	part := geometry.FindStringSubmatch(text)
	if part == nil || part[2] != part[4] || part[2] != part[6] || part[2] != part[8] {
		return Crop{}, fmt.Errorf("invalid crop %q: want WIDTHxHEIGHT+LEFT+TOP in pixels or per cent, such as 640x360+320+180 or 50%%x50%%+25%%+25%%", text)
	}

	c := Crop{Percent: part[2] == "%"}
	for k, to := range []*float64{&c.Width, &c.Height, &c.X, &c.Y} {
		var err error
		if *to, err = strconv.ParseFloat(part[1+2*k], 64); err != nil {
			return Crop{}, fmt.Errorf("invalid crop: %q is not a number", part[1+2*k])
		}
	}

	return c, c.validate()
}

// String returns what ParseCrop takes, "" for the whole picture.
func (c Crop) String() string {
	if c == (Crop{}) {
		return ""
	}
	unit := ""
	if c.Percent {
		unit = "%"
	}
	return formatDecimal(c.Width) + unit + "x" + formatDecimal(c.Height) + unit + "+" + formatDecimal(c.X) + unit + "+" + formatDecimal(c.Y) + unit
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (c Crop) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseCrop does. It implements encoding.TextUnmarshaler.
func (c *Crop) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCrop(string(text))
	return err
}

// formatDecimal writes v without an exponent, which ffmpeg could take for a unit.
func formatDecimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (c Crop) validate() error {
	most := float64(maxSide)
	if c.Percent {
		most = 100 + 1e-9 // sums such as 33.3 + 66.7 are inexact
	}

	switch {
	case c == (Crop{}):
	case !(c.Width > 0 && c.Height > 0 && c.X >= 0 && c.Y >= 0 && c.X+c.Width <= most && c.Y+c.Height <= most):
		return fmt.Errorf("crop %v is out of bounds: want a size above 0, within %v", c, Crop{Width: math.Trunc(most), Height: math.Trunc(most), Percent: c.Percent})
	case !c.Percent && (c.X != math.Trunc(c.X) || c.Y != math.Trunc(c.Y) || c.Width != math.Trunc(c.Width) || c.Height != math.Trunc(c.Height)):
		return fmt.Errorf("crop %v is not in whole pixels", c)
	}
	return nil
}

// toPixels returns c for a picture of that size. A crop in pixels may lie outside.
func (c Crop) toPixels(width, height int) image.Rectangle {
	if c == (Crop{}) {
		return image.Rect(0, 0, width, height)
	}

	if !c.Percent {
		return image.Rect(int(c.X), int(c.Y), int(c.X+c.Width), int(c.Y+c.Height))
	}
	left, right := roundSpan(width, c.X, c.Width)
	top, bottom := roundSpan(height, c.Y, c.Height)
	return image.Rect(left, top, right, bottom)
}

// roundSpan returns a part in per cent of a number of pixels, at least one pixel. Parts
// that meet share the edge.
func roundSpan(pixels int, from, length float64) (begin, end int) {
	whole := float64(pixels)
	b := min(whole-1, math.Round(whole*from/100))
	return int(b), int(max(b+1, min(whole, math.Round(whole*(from+length)/100))))
}

// cropFilters is Crop.toPixels in ffmpeg's language, after a filter that makes pixels
// square.
func (o Output) cropFilters(s shape) string {
	c := o.Crop
	if c == (Crop{}) {
		return ""
	}

	w, h, x, y := formatDecimal(c.Width), formatDecimal(c.Height), formatDecimal(c.X), formatDecimal(c.Y)
	if c.Percent {
		x, w = spanExpression("iw", c.X, c.Width)
		y, h = spanExpression("ih", c.Y, c.Height)
	}

	return Output{}.scaleFilter() + `,setsar=1,format=` + o.croppableFormats(s) + `,crop=w='` + w + `':h='` + h + `':x='` + x + `':y='` + y + `':exact=1,`
}

// croppableFormats returns pixel formats that ffmpeg's crop can cut at odd offsets. With
// more than 8 bits it cannot if colour is subsampled. In subsampled 8-bit formats the
// picture gets the colour of the even pixel before; lossless output avoids that.
func (o Output) croppableFormats(s shape) string {
	switch {
	case s.colour.kind != asCoded:
		return s.colour.deepFormat()
	case o.Format == JPEG, o.Format == WebP:
		return "yuv420p|yuvj420p|yuv422p|yuvj422p|yuv444p|yuvj444p|gbrp|gray"
	}
	return "rgb24"
}

// spanExpression is roundSpan in ffmpeg's language: the same operations in the same
// order on the same doubles.
func spanExpression(whole string, from, length float64) (begin, size string) {
	begin = `min(` + whole + `-1,round(` + whole + `*` + formatDecimal(from) + `/100))`
	end := `min(` + whole + `,round(` + whole + `*` + formatDecimal(from+length) + `/100))`
	return begin, `max(1,` + end + `-` + begin + `)`
}

// checkWithin returns an error if c does not lie within a picture of that size. The
// width is 0 if the size is unknown.
func (c Crop) checkWithin(width, height int) error {
	if width > 0 && !c.toPixels(width, height).In(image.Rect(0, 0, width, height)) {
		return fmt.Errorf("%w: %v of %dx%d", ErrCrop, c, width, height)
	}
	return nil
}
