package origin

import (
	"strconv"
	"strings"
)

// The names below /KIND/RENDITION/ in URLs.
const (
	masterName = "master.m3u8"
	indexName  = "index.m3u8"
	initName   = "init.mp4"
)

func masterPath(k Kind) string { return "/" + string(k) + "/" + masterName }

func mediaPath(k Kind, rendition string) string {
	return "/" + string(k) + "/" + rendition + "/" + indexName
}

func segmentPath(k Kind, rendition string, n int) string {
	return "/" + string(k) + "/" + rendition + "/" + segmentName(k, n)
}

func segmentName(k Kind, n int) string { return strconv.Itoa(n) + segmentEnding(k) }

func segmentEnding(k Kind) string {
	if k == FMP4 {
		return ".m4s"
	}
	return ".ts"
}

// segmentNumber is the inverse of segmentName.
func segmentNumber(k Kind, name string) (n int, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentEnding(k))
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && segmentName(k, n) == name
}
