package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kfgrab/kfgrab/internal/units"
)

// timeValue is a flag with a length of time, in every spelling of units.ParseTime.
type timeValue time.Duration

// addTimeFlag defines a flag for a length of time.
func addTimeFlag(flags *pflag.FlagSet, to *time.Duration, name string, value time.Duration, usage string) {
	*to = value
	flags.Var((*timeValue)(to), name, usage)
}

// Set implements pflag.Value.
func (v *timeValue) Set(text string) error {
	d, err := units.ParseTime(text)
	*v = timeValue(d)
	return err
}

// String implements pflag.Value.
func (v *timeValue) String() string { return units.FormatDuration(time.Duration(*v)) }

// Type implements pflag.Value.
func (*timeValue) Type() string { return "time" }

// sizeFlags choose the size of pictures: --width, --height or both, or --size.
type sizeFlags struct {
	width, height int // 0 if they were not given
	bySide        bool
	bySize        bool
}

func (f *sizeFlags) addSizeFlags(flags *pflag.FlagSet) {
	flags.Func("width", "`pixels` width of the picture; without --height it keeps its shape", f.parseSide(&f.width))
	flags.Func("height", "`pixels` height of the picture; without --width it keeps its shape", f.parseSide(&f.height))
	flags.Func("size", "`WxH` --width and --height in one, such as 480x360", f.parseBoth)
}

var errSizeTwice = errors.New("give --size, or --width and --height, not both")

func (f *sizeFlags) parseSide(side *int) func(string) error {
	return func(text string) (err error) {
		if *side, err = strconv.Atoi(text); err != nil {
			return describeNumber(text, err)
		}
		if *side == 0 {
			return errors.New("must be positive; without it, the picture keeps its size or shape")
		}
		if f.bySide = true; f.bySize {
			return errSizeTwice
		}
		return nil
	}
}

// describeNumber describes an error of strconv.Atoi.
func describeNumber(text string, err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s is too large", text)
	}
	return fmt.Errorf("%q is not a whole number", text)
}

func (f *sizeFlags) parseBoth(text string) error {
	size, err := parseSize(text)
	if err != nil {
		return err
	}
	if f.bySize = true; f.bySide {
		return errSizeTwice
	}
	f.width, f.height = size[0], size[1]
	return nil
}

// parseSize parses WIDTHxHEIGHT.
func parseSize(text string) (size [2]int, err error) {
	w, h, found := strings.Cut(text, "x")
	width, err := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if !found || err != nil || err2 != nil || width < 1 || height < 1 {
		return size, fmt.Errorf("%q is not a size such as 480x360", text)
	}
	return [2]int{width, height}, nil
}
