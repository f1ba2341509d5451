package hls

import (
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/keyframe"
)

// attributeList yields the names and values of an attribute list (RFC 8216 4.2),
// without quotes. It allocates nothing and looks at each byte once; the library's
// own reader needs a map and a regular expression per list, 200 ns and 40 bytes for
// each byte of attributes. A value whose closing quote is missing reaches to the
// end.
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

// maxDuration bounds a duration in a playlist: more than a day in one segment. As
// maxLines leaves room for 65,536 segments, their sum fits a time.Duration.
const maxDuration = 100_000 * time.Second

// parseSeconds reads a decimal number of seconds. It returns 0 for a negative
// number and for anything else.
func parseSeconds(value string) time.Duration { return toDuration(parseNumber(value)) }

// parseNumber reads a decimal number. It returns 0 for anything else, and for one
// that is too long to mean something.
func parseNumber(value string) float64 {
	const longest = 32
	if len(value) > longest {
		return 0
	}
	f, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return f
}

func toDuration(f float64) time.Duration {
	if !(f > 0) {
		return 0
	}
	if f >= maxDuration.Seconds() {
		return maxDuration
	}
	return time.Duration(math.Round(f * float64(time.Second)))
}

func finiteOrZero(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// parseCount reads a decimal integer. It returns 0 for a negative one and for
// anything else.
func parseCount(value string) int {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// maxSide is the largest width and height that H.264 and H.265 levels allow
// (8192 × 4320 at level 6.2, 1:8 aspect), rounded up.
const maxSide = 1 << 15

// parseSize reads a decimal resolution as in RFC 8216 4.2, "1280x720". It returns
// 0, 0 for anything else.
func parseSize(value string) (width, height int) {
	w, h, _ := strings.Cut(strings.ToLower(value), "x")
	width, height = parseCount(w), parseCount(h)
	if width == 0 || height == 0 || width > maxSide || height > maxSide {
		return 0, 0
	}
	return width, height
}

// parseIV reads a hexadecimal sequence of up to 128 bits. Some servers leave out
// the 0x and leading zeros.
func parseIV(value string) ([]byte, error) {
	digits := strings.TrimPrefix(strings.ToLower(value), "0x")
	if len(digits) > 32 {
		return nil, fmt.Errorf("%w: EXT-X-KEY: the IV is longer than 128 bits", keyframe.ErrCorrupt)
	}
	iv, err := hex.DecodeString(strings.Repeat("0", 32-len(digits)) + digits)
	if err != nil || digits == "" {
		return nil, fmt.Errorf("%w: EXT-X-KEY: the IV is not hexadecimal", keyframe.ErrCorrupt)
	}
	return iv, nil
}

// parseByteRange reads "n[@o]" (RFC 8216 4.3.2.2). Without o it continues before. If
// before is nil, which the RFC forbids, it begins at 0, as players have it.
func parseByteRange(value string, before *ByteRange) (*ByteRange, error) {
	n, o, explicit := strings.Cut(strings.TrimSpace(value), "@")
	length, err := strconv.ParseInt(n, 10, 64)
	if err != nil || length <= 0 {
		return nil, fmt.Errorf("%w: unreadable byte range %.64q", keyframe.ErrCorrupt, value)
	}

	var offset int64
	if explicit {
		if offset, err = strconv.ParseInt(o, 10, 64); err != nil {
			return nil, fmt.Errorf("%w: unreadable byte range %.64q", keyframe.ErrCorrupt, value)
		}
	} else if before != nil {
		offset = before.Offset + before.Length
	}
	if offset < 0 || offset > math.MaxInt64-length {
		return nil, fmt.Errorf("%w: byte range %.64q is out of range", keyframe.ErrCorrupt, value)
	}

	return &ByteRange{Offset: offset, Length: length}, nil
}
