package decode

import (
	"fmt"
)

// Fit says what becomes of a picture of another shape than Output.Width and Height,
// in the words of CSS (object-fit, CSS Images 3, 4.5). The picture has that width and
// height in any case.
type Fit uint8

// The ways to fit.
const (
	Fill    Fit = iota // the picture is stretched
	Cover              // it fills all, and as much of it as sticks out is cut off at both sides
	Contain            // all of it is there, between black bars
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

// filters scale to width and height. Cover cuts first, which takes less than to scale
// what is thrown away, and at an even pixel, where colour may begin.
func (f Fit) filters(width, height int) string {
	box := fmt.Sprintf(`w='%d':h='%d'`, width, height)
	switch f {
	case Cover:
		return fmt.Sprintf(`crop=w='max(1,min(iw,round(ih*%d/(%d*%s))))':h='max(1,min(ih,round(iw*%s*%d/%d)))'`+
			`:x='2*floor((iw-ow)/4)':y='2*floor((ih-oh)/4)':exact=1,scale=`, width, height, sane, sane, height, width) + box
	case Contain:
		return fmt.Sprintf(`scale=w='min(%d,max(1,round(%d*iw*%s/ih)))':h='min(%d,max(1,round(%d*ih/(iw*%s))))'`,
			width, height, sane, height, width, sane)
	}
	return `scale=` + box
}

// bars make Contain's picture whole. Where colour has half of the lines and columns,
// ffmpeg's would have none at odd places: format is one that has all.
func (o Output) bars(format string) string {
	if o.Fit != Contain {
		return ""
	}
	if format != "" {
		format = ",format=" + format
	}
	return fmt.Sprintf("%s,pad=%d:%d:(ow-iw)/2:(oh-ih)/2", format, o.Width, o.Height)
}
