package fetch

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
)

// TestWordsForBrokenAnswers: an answer that breaks the rules of HTTP is described
// without words of Go's library.
func TestWordsForBrokenAnswers(t *testing.T) {
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	z.Write(bytes.Repeat([]byte("#EXTM3U\n"), 100))
	z.Close()
	compressed.Bytes()[14] ^= 0xff
	for name, tt := range map[string]struct{ answer, want string }{
		"text":            {"hello world\r\n", "the answer is not HTTP"},
		"RTSP":            {"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", "the answer is not HTTP"},
		"SSH":             {"SSH-2.0-OpenSSH_9\r\n", "the answer is not HTTP"},
		"status":          {"HTTP/1.1 abc OK\r\n\r\n", "the answer is not HTTP"},
		"header":          {"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n", "the answer is not valid HTTP"},
		"many headers":    {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 2*maxHeaderBytes) + "\r\n\r\n", "the answer has too many headers"},
		"chunk":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the answer is not valid HTTP"},
		"negative length": {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "the answer is not valid HTTP"},
		"two lengths":     {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", "the answer is not valid HTTP"},
		"encoding":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: bogus\r\n\r\n", "the answer is not valid HTTP"},
		"short":           {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "the server closed the connection too early"},
		"compression":     {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + compressed.String(), "the answer's compression is damaged"},
	} {
		u := raw(t, tt.answer)
		_, err := client(t, u, nil).Get(within(t, testTime), u, 1000)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// TestWordsForLibraryErrors: those that need a server of HTTP/2 or luck to happen.
func TestWordsForLibraryErrors(t *testing.T) {
	for text, want := range map[string]string{
		"stream error: stream ID 1; INTERNAL_ERROR; received from peer":                                     "the server broke off the HTTP/2 stream (INTERNAL_ERROR)",
		"connection error: PROTOCOL_ERROR":                                                                  "the server broke off the HTTP/2 stream (PROTOCOL_ERROR)",
		"http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=\"\"": "the server ended the HTTP/2 connection; try again",
		"http: server closed idle connection":                                                               "server closed idle connection",
		"net/http: TLS handshake timeout":                                                                   "TLS handshake timeout",
		"net/http: HTTP/1.x transport connection broken: http: CONTINUATION":                                "CONTINUATION",
	} {
		if got := describeFailure(errors.New(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
