package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/sourcekind"
)

// TestOptionKeys proves that each option that a source may refuse has its key.
func TestOptionKeys(t *testing.T) {
	var listed []string
	for key, option := range optionKeys {
		listed = append(listed, option)
		if streamKeys[key] == nil {
			t.Errorf("%s is no key of a stream", key)
		}
	}
	listed = append(listed, "AtClock", "EdgeNext") // values of at and edge
	for _, option := range sourcekind.Options() {
		if !slices.Contains(listed, option) {
			t.Errorf("option %s has no key", option)
		}
	}
}

// TestOwnKeyRefused proves that a key of a stream that it cannot honour is an error, with
// its place.
func TestOwnKeyRefused(t *testing.T) {
	for _, tt := range []struct{ url, key, want string }{
		{"rtsp://camera/", "edge: last", "4:5: edge: only an HLS playlist has an edge"},
		{"rtsp://camera/", "at: -60", "4:5: at: a live stream without a playlist has no past"},
		{"film.mp4", "rtsp_transport: tcp", "4:5: rtsp_transport: only RTSP has transports"},
		{"udp://127.0.0.1:9", "headers: {X: y}", "4:5: headers: only http and https requests"},
		{"film.mp4", "insecure: false", ""},
		{"http://camera/", "at: -60", ""},
		{"http://camera/", "at: 2026-03-01T14:02:03Z", ""},
		{"http://camera/", "edge: next", ""},
	} {
		_, err := Parse("cams.yaml", []byte("streams:\n  - name: cam\n    url: "+tt.url+"\n    "+tt.key+"\n"), lookup(nil))
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s, %s: %v", tt.url, tt.key, err)
		}
	}
}

// TestDefaultsFit proves that defaults are for the streams that can honour them.
func TestDefaultsFit(t *testing.T) {
	f := parseText(t, `
defaults: {edge: last, headers: {X: y}, rtsp_transport: tcp}
streams:
  - {name: a, url: "http://a/"}
  - {name: b, url: "rtsp://b/"}
  - {name: c, url: film.mp4}
`, nil)
	a, b, c := &f.Streams[0].Options, &f.Streams[1].Options, &f.Streams[2].Options
	if a.Edge != kfgrab.EdgeLast || len(a.Header) != 1 || a.RTSP.Transport != 0 {
		t.Errorf("HTTP: %+v", a)
	}
	if b.Edge != 0 || len(b.Header) != 0 || b.RTSP.Transport != kfgrab.TransportTCP {
		t.Errorf("RTSP: %+v", b)
	}
	if c.Edge != 0 || len(c.Header) != 0 || c.RTSP.Transport != 0 {
		t.Errorf("a file: %+v", c)
	}
}
