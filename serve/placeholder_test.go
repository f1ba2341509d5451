package serve

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/kfgrab/kfgrab"
)

// TestPlaceholder: a placeholder has the requested format, or the next best.
func TestPlaceholder(t *testing.T) {
	t.Parallel()
	s := start(t, &Options{Streams: []Stream{stream(t, "door=http://127.0.0.1:1/live.m3u8")}})
	for path, mime := range map[string]string{
		"door/snapshot.jpg": "image/jpeg", "door/snapshot.png": "image/png", "door/snapshot.webp": "image/png", "nobody/snapshot.jpg": "image/jpeg",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got := s.do(t, method, "/streams/"+path+"?placeholder=1")
			if got.StatusCode != 200 || got.Header.Get("Content-Type") != mime || got.Header.Get("X-Kfgrab-State") != "placeholder" || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %s %v", method, path, got.Status, got.Header)
			}
			if method == "GET" && (got.size(t).X != 640 || got.size(t).Y != 360) {
				t.Errorf("%s: %v", path, got.size(t))
			}
		}
	}
	if got := s.get(t, "/streams/door/snapshot.jpg?placeholder=0"); got.StatusCode != 502 {
		t.Error(got.Status)
	}
}

func TestWrapped(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", strings.Repeat("word ", 40), strings.Repeat("x", 1000), strings.Repeat("ü", 100)} {
		got := wrapText(text)
		if len(got) > placeholderLines {
			t.Errorf("%d lines", len(got))
		}
		for _, line := range got {
			if len([]rune(line)) > placeholderColumns {
				t.Errorf("%q", line)
			}
		}
		if joined := strings.Join(got, ""); !strings.HasPrefix(strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(strings.TrimSuffix(joined, "..."), " ", "")) {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestPlaceholderReason: a placeholder shows the reason of a stream's failure
// without the address, and errors of requests as they are.
func TestPlaceholderReason(t *testing.T) {
	t.Parallel()
	const address = "rtsp://192.0.2.1/inside"
	for want, err := range map[string]error{
		kfgrab.Network.Reason():       &streamError{err: fmt.Errorf("%s: %w", address, syscall.ECONNREFUSED), name: "door"},
		kfgrab.Timeout.Reason():       &streamError{err: fmt.Errorf("%s: %w", address, os.ErrDeadlineExceeded), name: "door"},
		"there is no stream \"door\"": notFound("there is no stream %q", "door"),
	} {
		text := strings.Join(placeholderText("door", newProblem(err), err), " ")
		if !strings.Contains(text, want) || strings.Contains(text, "192.0.2.1") {
			t.Errorf("%q, want %q", text, want)
		}
	}
}
