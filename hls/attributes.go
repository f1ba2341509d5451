package hls

import (
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
)

// attributeList yields the names and values of an attribute list (RFC 8216
// 4.2), quotes taken off. It allocates nothing, where the library's own reader
// takes a regular expression and a map a list: a playlist of nothing but
// attributes would cost it 40 times its size. A value whose closing quote is
// missing reaches to the end.
func attributeList(list string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for list != "" {
			var name, value string
			stop := 0
			for stop < len(list) && list[stop] != '=' && list[stop] != ',' {
				stop++
			}
			if stop == len(list) {
				return
			}
			name = strings.TrimSpace(list[:stop])
			noValue := list[stop] == ','
			list = list[stop+1:]
			if noValue {
				continue
			}
			if quoted, ok := strings.CutPrefix(list, `"`); ok {
				value, list, _ = strings.Cut(quoted, `"`)
				_, list, _ = strings.Cut(list, ",")
			} else {
				value, list, _ = strings.Cut(list, ",")
				value = strings.Trim(value, " \t\"")
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// maxDuration bounds a duration in a playlist: over a day in one segment. As
// maxLines leaves room for 65,536 segments, their sum fits a time.Duration.
const maxDuration = 100_000 * time.Second

// seconds reads a decimal number of seconds; what is no number, or negative, is
// 0.
func seconds(value string) time.Duration {
	f, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return duration(f)
}

func duration(f float64) time.Duration {
	if !(f > 0) {
		return 0
	}
	if f >= maxDuration.Seconds() {
		return maxDuration
	}
	return time.Duration(math.Round(f * float64(time.Second)))
}

func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// count reads a decimal integer; what is none, or negative, is 0.
func count(value string) int {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// maxSide is the largest width and height that H.264 and H.265 levels allow
// (8192 × 4320 at level 6.2, 1:8 aspect), rounded up.
const maxSide = 1 << 15

// size reads a decimal resolution as in RFC 8216 4.2, "1280x720"; 0, 0 if it is
// none.
func size(value string) (width, height int) {
	w, h, _ := strings.Cut(strings.ToLower(value), "x")
	width, height = count(w), count(h)
	if width == 0 || height == 0 || width > maxSide || height > maxSide {
		return 0, 0
	}
	return width, height
}
