package fetch

import (
	"fmt"
	"testing"
)

var contentRanges = []struct {
	in   string
	want contentRange
	bad  bool
}{
	{in: "bytes 0-499/1234", want: contentRange{span{0, 500}, 1234}},
	{in: "bytes 734-1233/1234", want: contentRange{span{734, 1234}, 1234}},
	{in: "bytes 42-1233/*", want: contentRange{span{42, 1234}, -1}},
	{in: "bytes */1234", want: contentRange{span{}, 1234}},
	{in: "Bytes 0-0/1", want: contentRange{span{0, 1}, 1}},
	{in: " bytes  0-0/1 ", want: contentRange{span{0, 1}, 1}},
	{in: "", bad: true},
	{in: "bytes", bad: true},
	{in: "bytes */*", bad: true},
	{in: "bytes 5-4/10", bad: true},
	{in: "bytes 0-10/10", bad: true},
	{in: "bytes -5/10", bad: true},
	{in: "bytes 0-/10", bad: true},
	{in: "bytes +1-2/10", bad: true},
	{in: "bytes 0-1", bad: true},
	{in: "items 0-1/2", bad: true},
	{in: "bytes 0-9223372036854775807/*", bad: true},
	{in: "bytes 0-1/99999999999999999999", bad: true},
}

func TestContentRange(t *testing.T) {
	for _, c := range contentRanges {
		got, err := parseContentRange(c.in)
		if (err != nil) != c.bad || !c.bad && got != c.want {
			t.Errorf("%q: %v, %v, want %v", c.in, got, err, c.want)
		}
	}
}

// FuzzContentRange: an accepted header makes sense, and means the same when it
// is written out again.
func FuzzContentRange(f *testing.F) {
	for _, c := range contentRanges {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		c, err := parseContentRange(in)
		if err != nil {
			return
		}
		total, rng := "*", "*"
		if c.total >= 0 {
			total = fmt.Sprint(c.total)
		}
		if c.to > 0 {
			rng = fmt.Sprintf("%d-%d", c.from, c.to-1)
		}
		if c.from < 0 || c.to < c.from || c.total >= 0 && c.to > c.total {
			t.Fatalf("%q: %+v", in, c)
		}
		if again, err := parseContentRange("bytes " + rng + "/" + total); err != nil || again != c {
			t.Fatalf("%q: %+v, again %+v, %v", in, c, again, err)
		}
	})
}
