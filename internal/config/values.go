package config

import (
	"fmt"
	"strconv"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/change"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/internal/units"
	"github.com/kfgrab/kfgrab/picture"
)

// parseBetween returns a parser of times within bounds.
func parseBetween(least, most time.Duration) func(string) (time.Duration, error) {
	return func(word string) (time.Duration, error) {
		v, err := units.ParseTime(word)
		if err != nil {
			return 0, err
		}
		if v < least || v > most {
			return 0, fmt.Errorf("%s is out of range: want %s to %s", word, units.FormatDuration(least), units.FormatDuration(most))
		}
		return v, nil
	}
}

// parseNumber returns a parser of whole numbers within bounds.
func parseNumber(least, most int) func(string) (int, error) {
	return func(word string) (int, error) {
		v, err := strconv.Atoi(word)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", word)
		}
		if v < least || v > most {
			return 0, fmt.Errorf("%d is out of range: want %d to %d", v, least, most)
		}
		return v, nil
	}
}

// parseBoolean accepts only the words of YAML 1.2.
func parseBoolean(word string) (bool, error) {
	switch word {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", word)
}

func parseDeinterlace(word string) (keep bool, err error) {
	if word != "auto" && word != "off" {
		return false, fmt.Errorf("%q is neither auto nor off", word)
	}
	return word == "off", nil
}

func parsePixels(word string) (int, error) { return units.ParsePixels(word, decode.MaxPixels) }

func parseSpread(word string) (time.Duration, error) {
	if word == "off" {
		return schedule.NoSpread, nil
	}
	return parseBetween(time.Millisecond, schedule.MaxEvery)(word)
}

func parseChange(word string) (Change, error) {
	if v, err := parseBoolean(word); err == nil {
		return Change{Enabled: v, Distance: DefaultDistance}, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > change.Most {
		return Change{}, fmt.Errorf("%q is neither true nor false, nor a number of bits from 1 to %d", word, change.Most)
	}
	return Change{Enabled: true, Distance: n}, nil
}

func parseTries(word string) (int, error) {
	switch v, err := parseBoolean(word); {
	case err == nil && v:
		return picture.DefaultTries, nil
	case err == nil:
		return 0, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > picture.MaxTries {
		return 0, fmt.Errorf("%q is neither true nor false, nor a number of keyframes from 1 to %d", word, picture.MaxTries)
	}
	return n, nil
}
