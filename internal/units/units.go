// Package units parses and formats quantities of flags and configuration files: times,
// numbers of bytes, and large numbers. It is internal to kfgrab. Errors say what to write.
package units

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseTime parses a length of time or a time in a recording, in any of the spellings of
// ffmpeg and Go: seconds (10, 90.5), [hours:]minutes:seconds (00:01:30), numbers with units
// (10s, 1m30s, 500ms), and whole days before those (30d, 1d12h).
func ParseTime(text string) (time.Duration, error) {
	parse := parseUnits
	if strings.Contains(text, ":") || !strings.ContainsAny(text, "smhd") {
		parse = parseClock
	}
	d, err := parse(text)
	if errors.Is(err, strconv.ErrSyntax) {
		err = fmt.Errorf("%q is not a time; write 20, 20s, 1m30s or 00:01:30", text)
	}
	return d, err
}

// parseClock parses seconds, with hours and minutes before colons. Its error is
// strconv.ErrSyntax if text is nothing of the kind.
func parseClock(text string) (time.Duration, error) {
	parts := strings.Split(text, ":")
	if len(parts) > 3 {
		return 0, fmt.Errorf("%q has more than hours, minutes and seconds", text)
	}
	var seconds float64
	for i, part := range parts {
		v, err := strconv.ParseFloat(part, 64)
		switch {
		case err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v):
			return 0, strconv.ErrSyntax
		case i < len(parts)-1 && v != math.Trunc(v):
			return 0, fmt.Errorf("%q has a fraction before its seconds", text)
		case i > 0 && v >= 60:
			return 0, fmt.Errorf("%q has more than 59 minutes or seconds after a colon", text)
		}
		seconds = seconds*60 + v
	}
	if seconds >= math.MaxInt64/float64(time.Second) {
		return 0, fmt.Errorf("%q is too long", text)
	}

	return time.Duration(math.Round(seconds * float64(time.Second))), nil
}

// parseUnits parses what time.ParseDuration does, after whole days. Its error is
// strconv.ErrSyntax if text is nothing of the kind.
func parseUnits(text string) (time.Duration, error) {
	const most = math.MaxInt64 / (24 * time.Hour)
	var days time.Duration
	number, rest, found := strings.Cut(text, "d")
	if found {
		n, err := strconv.ParseUint(number, 10, 63)
		if err != nil {
			return 0, strconv.ErrSyntax
		}
		if n > uint64(most) {
			return 0, fmt.Errorf("%q is too long", text)
		}
		days, text = time.Duration(n)*24*time.Hour, rest
	}
	if found && rest == "" {
		return days, nil
	}

	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || days+d < 0 {
		return 0, strconv.ErrSyntax
	}
	return days + d, nil
}

// FormatDuration formats a duration for ParseTime, without trailing zeros: 30d, 5m, 1m30s.
func FormatDuration(d time.Duration) string {
	if d > 0 && d%(24*time.Hour) == 0 {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// FormatTimestamp formats a point in time in UTC, as RFC 3339 with milliseconds.
func FormatTimestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// FormatKilobytes formats a number of bytes as 12.3 kB, of 1000 bytes each.
func FormatKilobytes(n int64) string { return fmt.Sprintf("%.1f kB", float64(n)/1000) }

// ParseBytes parses a positive number of bytes, with k, M or G for powers of 1024.
func ParseBytes(text string) (int64, error) {
	number := strings.TrimSuffix(strings.TrimSuffix(text, "B"), "i")
	shift := 0

	switch {
	case strings.HasSuffix(number, "k") || strings.HasSuffix(number, "K"):
		shift = 10
	case strings.HasSuffix(number, "M"):
		shift = 20
	case strings.HasSuffix(number, "G"):
		shift = 30
	}
	if shift > 0 {
		number = number[:len(number)-1]
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v <= 0 || v > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a number of bytes; write 500k or 32M", text)
	}

	return v << shift, nil
}

// FormatBytes formats a number for ParseBytes.
func FormatBytes(v int64) string {
	switch {
	case v > 0 && v%(1<<30) == 0:
		return fmt.Sprintf("%dG", v>>30)
	case v > 0 && v%(1<<20) == 0:
		return fmt.Sprintf("%dM", v>>20)
	case v > 0 && v%(1<<10) == 0:
		return fmt.Sprintf("%dk", v>>10)
	default:
		return strconv.FormatInt(v, 10)
	}
}

// Bytes is a number of bytes as a text for ParseBytes.
type Bytes int64

// String returns what FormatBytes does.
func (b Bytes) String() string { return FormatBytes(int64(b)) }

// MarshalText returns what String does. It implements encoding.TextMarshaler.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads what ParseBytes does. It implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := ParseBytes(string(text))
	*b = Bytes(v)
	return err
}

// ParseDecimal parses a number with an optional fraction and k, M or G for powers of 1000.
// Its errors are not for users.
func ParseDecimal(text string) (float64, error) {
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

// FormatDecimal formats a number with k or M for powers of 1000, and 0 as "".
func FormatDecimal(n int) string {
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

// ParseBitrate parses a positive number of bits per second as ParseDecimal does.
func ParseBitrate(text string) (int, error) {
	v, err := ParseDecimal(text)
	// A petabit per second is more than any stream has, and fits into 64 bits.
	if err != nil || v < 1 || v > 1e15 {
		return 0, fmt.Errorf("%q is not a number of bits per second; write 800k or 2.5M", text)
	}
	return int(v), nil
}

// ParsePixels parses a positive number of pixels up to most as ParseDecimal does.
func ParsePixels(text string, most int) (int, error) {
	v, err := ParseDecimal(text)
	if err != nil || v < 1 || v > float64(most) {
		return 0, fmt.Errorf("%q is not a number of pixels up to %s; write 921600 or 9M", text, FormatDecimal(most))
	}
	return int(v), nil
}
