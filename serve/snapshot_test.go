package serve

import (
	"bytes"
	"image"
	"io"
	"net/http"
	"testing"

	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/serve/internal/servetest"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

// TestSnapshot: a live stream gives pictures in every format and size.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	source := stream(t, "door="+servetest.LiveHLS(t))
	s := start(t, &Options{Streams: []Stream{source}, Software: "test software"})
	for _, test := range []struct {
		path, mime string
		size       image.Point // zero if the test does not decode it
	}{
		{"snapshot.jpg", "image/jpeg", image.Pt(640, 360)},
		{"snapshot.png", "image/png", image.Pt(640, 360)},
		{"snapshot.webp", "image/webp", image.Point{}},
		{"snapshot.mp4", "video/mp4", image.Point{}},
		{"snapshot.h264", "application/octet-stream", image.Point{}},
		{"snapshot", "image/jpeg", image.Pt(640, 360)},
		{"snapshot.jpg?width=320", "image/jpeg", image.Pt(320, 180)},
		{"snapshot.jpg?width=311&quality=33", "image/jpeg", image.Pt(320, 180)},
		{"snapshot.jpg?height=170&overlay=1", "image/jpeg", image.Pt(320, 180)},
		{"snapshot.png?width=5000", "image/png", image.Pt(640, 360)},
		{"snapshot.jpg?width=100&height=100&fit=cover", "image/jpeg", image.Pt(128, 120)},
	} {
		got := s.get(t, "/streams/door/"+test.path)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != test.mime || len(got.body) == 0 {
			t.Errorf("%s: %s %v %.200s", test.path, got.Status, got.Header, got.body)
			continue
		}
		if test.size != (image.Point{}) && got.size(t) != test.size {
			t.Errorf("%s: %v, want %v", test.path, got.size(t), test.size)
		}
		if bytes.Contains(got.body, []byte(schedule.HostOf(source.URL))) {
			t.Errorf("%s tells where the stream is", test.path)
		}
	}
	if got := s.get(t, "/streams/door/snapshot.jpg"); !bytes.Contains(got.body, []byte("test software")) {
		t.Error("a picture does not tell what made it")
	}
	if c := s.streams.Load().byName["door"].Status().counts; c.grabs == 0 {
		t.Error("no grab is counted")
	}
}
