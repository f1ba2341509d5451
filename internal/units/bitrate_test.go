package units

import (
	"math"
	"testing"
)

var bitrates = []struct {
	text string
	want int    // 0 for an error
	back string // what FormatDecimal prints
}{
	{"2.5M", 2_500_000, "2.5M"},
	{"800k", 800_000, "800k"},
	{"800K", 800_000, "800k"},
	{"800000", 800_000, "800k"},
	{"1", 1, "1"},
	{".5k", 500, "500"},
	{"1.2G", 1_200_000_000, "1200M"},
	{"0.0004k", 0, ""},
	{"0", 0, ""},
	{"-1", 0, ""},
	{"", 0, ""},
	{"k", 0, ""},
	{"1e3", 0, ""},
	{"0x10", 0, ""},
	{"NaN", 0, ""},
	{"Inf", 0, ""},
	{"1.2.3", 0, ""},
	{"2.5 M", 0, ""},
	{"2.5Mbit", 0, ""},
	{"99999999999999999999G", 0, ""},
}

func TestParseBitrate(t *testing.T) {
	for _, tt := range bitrates {
		got, err := ParseBitrate(tt.text)
		if (err == nil) != (tt.want != 0) || got != tt.want || FormatDecimal(got) != tt.back {
			t.Errorf("%q: %d (%s), %v, want %d (%s)", tt.text, got, FormatDecimal(got), err, tt.want, tt.back)
		}
	}
}

func FuzzParseBitrateReadsWhatFormatDecimalWrites(f *testing.F) {
	for _, tt := range bitrates {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseBitrate(text)
		if err != nil {
			return
		}
		if got < 1 || float64(got) > math.MaxInt64/2 {
			t.Errorf("%q: %d", text, got)
		}
		if again, err := ParseBitrate(FormatDecimal(got)); err != nil || again != got {
			t.Errorf("%q: %d, printed %s, read %d, %v", text, got, FormatDecimal(got), again, err)
		}
	})
}
