package main

import (
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

func TestMediaTime(t *testing.T) {
	for _, test := range mediaTimes {
		var got mediaTime
		err := got.Set(test.text)
		if (err != nil) != (test.want < 0) || err == nil && time.Duration(got) != test.want {
			t.Errorf("%q: %v, %v, want %v", test.text, time.Duration(got), err, test.want)
		}
	}
}

func FuzzMediaTime(f *testing.F) {
	for _, test := range mediaTimes {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got mediaTime
		if err := got.Set(text); err != nil && got != 0 || got < 0 {
			t.Errorf("%q: %v, %v", text, time.Duration(got), err)
		}
	})
}

var sizes = []struct {
	text string
	want int64  // 0 for an error
	show string // of String, where it differs from text
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

func TestSize(t *testing.T) {
	for _, test := range sizes {
		var got size
		err := got.Set(test.text)
		if (err != nil) != (test.want == 0) || err == nil && int64(got) != test.want {
			t.Errorf("%q: %d, %v, want %d", test.text, got, err, test.want)
		}
		show := test.show
		if show == "" {
			show = test.text
		}
		if err == nil && got.String() != show {
			t.Errorf("%q shows as %s, want %s", test.text, got.String(), show)
		}
	}
}

// What a size shows as is a size, and the same.
func FuzzSize(f *testing.F) {
	for _, test := range sizes {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got, again size
		if got.Set(text) != nil {
			return
		}
		if err := again.Set(got.String()); err != nil || again != got || got <= 0 {
			t.Errorf("%q: %d, then %q %d, %v", text, got, got.String(), again, err)
		}
	})
}
