package decode

import (
	"errors"
	"fmt"
	"image"
	"math"
	"regexp"
	"strconv"
)

// Crop is a part of the picture as it is shown: upright and of square pixels, before
// Output.Width and Height scale it. The zero value is the whole picture.
type Crop struct {
	Width, Height float64
	X, Y          float64 // of the upper left corner

	// Percent says that all four are per cent of the picture's width and height, whose
	// edges are rounded to pixels; else they are pixels and whole numbers.
	Percent bool
}

// ErrCrop is wrapped where a Crop in pixels does not lie within the picture.
var ErrCrop = errors.New("the part to be cut out does not lie within the picture")

// geometry is that of the X Window System, X(7), without signs that count from the
// right and from below.
var geometry = regexp.MustCompile(`^([0-9.]+)(%?)x([0-9.]+)(%?)\+([0-9.]+)(%?)\+([0-9.]+)(%?)$`)

// ParseCrop reads "640x360+320+180", which is width, height and the upper left corner
// in pixels, or "50%x50%+25%+25%".
func ParseCrop(text string) (Crop, error) {
	part := geometry.FindStringSubmatch(text)
	if part == nil || part[2] != part[4] || part[2] != part[6] || part[2] != part[8] {
		return Crop{}, fmt.Errorf("%q is no part of a picture such as 640x360+320+180 or 50%%x50%%+25%%+25%%: width, height, and how far from the left and from the top", text)
	}
	c := Crop{Percent: part[2] == "%"}
	for k, to := range []*float64{&c.Width, &c.Height, &c.X, &c.Y} {
		var err error
		if *to, err = strconv.ParseFloat(part[1+2*k], 64); err != nil {
			return Crop{}, fmt.Errorf("%q is no number", part[1+2*k])
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
	return decimal(c.Width) + unit + "x" + decimal(c.Height) + unit + "+" + decimal(c.X) + unit + "+" + decimal(c.Y) + unit
}

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (c Crop) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseCrop does. It implements encoding.TextUnmarshaler.
func (c *Crop) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCrop(string(text))
	return err
}

// decimal is v without an exponent, which ffmpeg could take for a unit.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func (c Crop) validate() error {
	most := float64(maxSide)
	if c.Percent {
		most = 100 + 1e-9 // what is left of sums such as 33.3 + 66.7
	}
	switch {
	case c == (Crop{}):
	case !(c.Width > 0 && c.Height > 0 && c.X >= 0 && c.Y >= 0 && c.X+c.Width <= most && c.Y+c.Height <= most):
		return fmt.Errorf("a part of %v is out of bounds: want a size above 0, within %v", c, Crop{Width: math.Trunc(most), Height: math.Trunc(most), Percent: c.Percent})
	case !c.Percent && (c.X != math.Trunc(c.X) || c.Y != math.Trunc(c.Y) || c.Width != math.Trunc(c.Width) || c.Height != math.Trunc(c.Height)):
		return fmt.Errorf("a part of %v is not of whole pixels", c)
	}
	return nil
}

// rectangle is c in pixels of a picture of that size; one in pixels may lie outside.
func (c Crop) rectangle(width, height int) image.Rectangle {
	if c == (Crop{}) {
		return image.Rect(0, 0, width, height)
	}
	if !c.Percent {
		return image.Rect(int(c.X), int(c.Y), int(c.X+c.Width), int(c.Y+c.Height))
	}
	left, right := span(width, c.X, c.Width)
	top, bottom := span(height, c.Y, c.Height)
	return image.Rect(left, top, right, bottom)
}

// span is a part in per cent of a number of pixels, at least one of them. Parts that
// meet share the edge.
func span(pixels int, from, length float64) (begin, end int) {
	whole := float64(pixels)
	b := min(whole-1, math.Round(whole*from/100))
	return int(b), int(max(b+1, min(whole, math.Round(whole*(from+length)/100))))
}

// crop is Crop.rectangle in ffmpeg's language, behind what makes square pixels.
func (o Output) crop(s shape) string {
	c := o.Crop
	if c == (Crop{}) {
		return ""
	}
	w, h, x, y := decimal(c.Width), decimal(c.Height), decimal(c.X), decimal(c.Y)
	if c.Percent {
		x, w = spanFilter("iw", c.X, c.Width)
		y, h = spanFilter("ih", c.Y, c.Height)
	}
	return Output{}.scale() + `,setsar=1,format=` + o.cuttable(s) + `,crop=w='` + w + `':h='` + h + `':x='` + x + `':y='` + y + `':exact=1,`
}

// cuttable are formats that ffmpeg's crop cuts at odd places, which it does not of more
// than 8 bits where colour has half of the lines and columns. Of those of 8 bits it takes
// the colour of the even pixel before, not so what loses nothing.
func (o Output) cuttable(s shape) string {
	switch {
	case s.sdr != fits:
		return "yuv444p10"
	case o.Format == JPEG, o.Format == WebP:
		return "yuv420p|yuvj420p|yuv422p|yuvj422p|yuv444p|yuvj444p|gbrp|gray"
	}
	return "rgb24"
}

// spanFilter is span, with the same operations in the same order on the same doubles.
func spanFilter(whole string, from, length float64) (begin, size string) {
	begin = `min(` + whole + `-1,round(` + whole + `*` + decimal(from) + `/100))`
	end := `min(` + whole + `,round(` + whole + `*` + decimal(from+length) + `/100))`
	return begin, `max(1,` + end + `-` + begin + `)`
}

// check says whether a picture of that size has the part; of 0, 0 nobody knows.
func (c Crop) check(width, height int) error {
	if width > 0 && !c.rectangle(width, height).In(image.Rect(0, 0, width, height)) {
		return fmt.Errorf("%w: %v of %dx%d", ErrCrop, c, width, height)
	}
	return nil
}
