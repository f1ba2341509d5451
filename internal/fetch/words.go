package fetch

import (
	"regexp"
	"strings"

	"github.com/kfgrab/kfgrab/internal/neterror"
)

// brokenHTTP are parts of net/http's texts about answers that break the rules of HTTP,
// and what they mean. It has no types for them.
var brokenHTTP = []struct{ part, text string }{
	{"gzip:", "the answer's compression is damaged"},
	{"flate:", "the answer's compression is damaged"},
	{"server response headers exceeded", "the answer has too many headers"},
	{"malformed HTTP", "the answer is not HTTP"},
	{"malformed", "the answer is not valid HTTP"},
	{"Content-Length", "the answer is not valid HTTP"},
	{"transfer encoding", "the answer is not valid HTTP"},
	{"chunk", "the answer is not valid HTTP"},
	{"invalid header", "the answer is not valid HTTP"},
	{"GOAWAY", "the server ended the HTTP/2 connection; try again"},
}

var (
	// brokenStream is an end of an HTTP/2 stream (RFC 9113 7).
	brokenStream = regexp.MustCompile(`(?:stream|connection) error: .*?([A-Z]{2}[A-Z_]+)`)
	// libraryPrefix is what net/http puts before its texts.
	libraryPrefix = regexp.MustCompile(`^(?:net/http: |http2?: |HTTP/1\.x transport connection broken: )+`)
)

// describeFailure puts a failure into words.
func describeFailure(err error) string {
	text := err.Error()
	for _, broken := range brokenHTTP {
		if strings.Contains(text, broken.part) {
			return broken.text
		}
	}
	if m := brokenStream.FindStringSubmatch(text); m != nil {
		return "the server broke off the HTTP/2 stream (" + m[1] + ")"
	}
	return libraryPrefix.ReplaceAllString(neterror.Describe(err), "")
}
