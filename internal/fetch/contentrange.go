package fetch

import (
	"errors"
	"strconv"
	"strings"
)

// contentRange is the Content-Range header (RFC 9110 14.4). An empty span means that
// the range asked for lies nowhere in the resource.
type contentRange struct {
	span
	total int64 // size of the resource, -1 unknown
}

var errContentRange = errors.New("malformed Content-Range")

// parseContentRange reads "bytes 0-499/1234", "bytes 0-499/*" or "bytes */1234".
func parseContentRange(s string) (contentRange, error) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	rng, size, found := strings.Cut(strings.TrimSpace(rest), "/")
	if !strings.EqualFold(unit, "bytes") || !found {
		return contentRange{}, errContentRange
	}

	c := contentRange{total: -1}
	if (size != "*" && !parseDecimal(size, &c.total)) || (size == "*" && rng == "*") {
		return contentRange{}, errContentRange
	}
	if rng == "*" {
		return c, nil
	}

	first, last, _ := strings.Cut(rng, "-")
	if !parseDecimal(first, &c.from) || !parseDecimal(last, &c.to) || c.to < c.from || (c.total >= 0 && c.to >= c.total) {
		return contentRange{}, errContentRange
	}
	c.to++

	return c, nil
}

// parseDecimal reads 1*DIGIT, smaller than the largest int64 so that one can be added.
func parseDecimal(s string, v *int64) bool {
	n, err := strconv.ParseUint(s, 10, 63)
	*v = int64(n)
	return err == nil && *v+1 > 0
}
