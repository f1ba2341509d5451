package units

import (
	"fmt"
	"math"
	"testing"
	"time"
)

var mediaTimes = []struct {
	text string
	want time.Duration // −1 for an error
}{
	{"0", 0},
	{"90.5", 90*time.Second + 500*time.Millisecond},
	{"90", 90 * time.Second},
	{".5", 500 * time.Millisecond},
	{"00:00:02", 2 * time.Second},
	{"00:10:30", 10*time.Minute + 30*time.Second},
	{"1:2:3.25", time.Hour + 2*time.Minute + 3*time.Second + 250*time.Millisecond},
	{"10:30", 10*time.Minute + 30*time.Second},
	{"100:00:00", 100 * time.Hour},
	{"1e3", 1000 * time.Second},
	{"0.0000000014", time.Nanosecond},
	{"", -1},
	{"-1", -1},
	{"noon", -1},
	{"1:60", -1},
	{"1:-1", -1},
	{"1:60:00", -1},
	{"1.5:00", -1},
	{"1:00:00:00", -1},
	{":", -1},
	{"Inf", -1},
	{"NaN", -1},
	{"1e300", -1},
	{"9223372036.854775807", -1},
	{"9223372037", -1},
}

func TestParseTime(t *testing.T) {
	for _, test := range mediaTimes {
		got, err := ParseTime(test.text)
		if (err != nil) != (test.want < 0) || err == nil && got != test.want {
			t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, test := range mediaTimes {
		f.Add(test.text)
	}
	f.Add("1d12h")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := ParseTime(text); err != nil && got != 0 || got < 0 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	})
}

// TestParseTimeWithUnits: times with units mean the same as those without.
func TestParseTimeWithUnits(t *testing.T) {
	for _, test := range []struct {
		text string
		want time.Duration // −1 for an error
		show string        // from FormatDuration, if it differs from text
	}{
		{"20s", 20 * time.Second, ""},
		{"5m", 5 * time.Minute, ""},
		{"1m30s", 90 * time.Second, ""},
		{"90s", 90 * time.Second, "1m30s"},
		{"90", 90 * time.Second, "1m30s"},
		{"00:01:30", 90 * time.Second, "1m30s"},
		{"90.5", 90*time.Second + 500*time.Millisecond, "1m30.5s"},
		{"1.5h", 90 * time.Minute, "1h30m"},
		{"2h", 2 * time.Hour, ""},
		{"2h0m5s", 2*time.Hour + 5*time.Second, ""},
		{"30d", 720 * time.Hour, ""},
		{"1d12h", 36 * time.Hour, "36h"},
		{"1d30s", 24*time.Hour + 30*time.Second, "24h0m30s"},
		{"48h", 48 * time.Hour, "2d"},
		{"0s", 0, ""},
		{"0", 0, "0s"},
		{"500ms", 500 * time.Millisecond, ""},
		{"106751d", 106751 * 24 * time.Hour, ""},
		{"106751d24h", -1, ""},
		{"106752d", -1, ""},
		{"1.5d", -1, ""},
		{"-1d", -1, ""},
		{"1d-1h", -1, ""},
		{"1dd", -1, ""},
		{"-5m", -1, ""},
		{"-5", -1, ""},
		{"d", -1, ""},
		{"5 m", -1, ""},
		{"5m 30", -1, ""},
		{"1m30", -1, ""},
		{"1:30s", -1, ""},
		{"5y", -1, ""},
		{"", -1, ""},
	} {
		got, err := ParseTime(test.text)
		if (err != nil) != (test.want < 0) || err == nil && got != test.want {
			t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
		}
		show := test.show
		if show == "" {
			show = test.text
		}
		if err == nil && FormatDuration(got) != show {
			t.Errorf("%q shows as %s, want %s", test.text, FormatDuration(got), show)
		}
	}
}

// TestParseTimeNamesSpellings: the error says what to write, whichever spelling was
// tried.
func TestParseTimeNamesSpellings(t *testing.T) {
	for _, text := range []string{"", "soon", "noon", "5 m", "-5", "-5s", "1:30s", "5y", "1d-1h"} {
		_, err := ParseTime(text)
		if err == nil || err.Error() != fmt.Sprintf("%q is not a time; write 20, 20s, 1m30s or 00:01:30", text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

var sizes = []struct {
	text string
	want int64  // 0 for an error
	show string // from String, if it differs from text
}{
	{"1", 1, ""},
	{"4096", 4096, "4k"},
	{"500k", 500 << 10, ""},
	{"500K", 500 << 10, "500k"},
	{"32M", 32 << 20, ""},
	{"32MiB", 32 << 20, "32M"},
	{"32MB", 32 << 20, "32M"},
	{"2G", 2 << 30, ""},
	{"1024k", 1 << 20, "1M"},
	{"1025k", 1025 << 10, ""},
	{"1000000", 1000000, ""},
	{"9223372036854775807", math.MaxInt64, ""},
	{"9223372036854775808", 0, ""},
	{"9007199254740993k", 0, ""},
	{"8589934592G", 0, ""},
	{"0", 0, ""},
	{"-1", 0, ""},
	{"-1k", 0, ""},
	{"1.5M", 0, ""},
	{"k", 0, ""},
	{"", 0, ""},
	{"1T", 0, ""},
	{"1 M", 0, ""},
}

func TestParseBytes(t *testing.T) {
	for _, test := range sizes {
		got, err := ParseBytes(test.text)
		if (err != nil) != (test.want == 0) || err == nil && got != test.want {
			t.Errorf("%q: %d, %v, want %d", test.text, got, err, test.want)
		}
		show := test.show
		if show == "" {
			show = test.text
		}
		if err == nil && FormatBytes(got) != show {
			t.Errorf("%q shows as %s, want %s", test.text, FormatBytes(got), show)
		}
	}
}

// FuzzParseBytes: a number of bytes, printed and parsed again, is the same.
func FuzzParseBytes(f *testing.F) {
	for _, test := range sizes {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseBytes(text)
		if err != nil {
			return
		}
		if again, err := ParseBytes(FormatBytes(got)); err != nil || again != got || got <= 0 {
			t.Errorf("%q: %d, then %q %d, %v", text, got, FormatBytes(got), again, err)
		}
	})
}
