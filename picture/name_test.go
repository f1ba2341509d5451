package picture

import "testing"

// TestStreamName covers a few names. The tests of cmd/kfgrab, which turns names
// into files, cover all kinds.
func TestStreamName(t *testing.T) {
	for rawURL, want := range map[string]string{
		"-":                                      "stdin",
		"/films/one.mp4":                         "one",
		"rtsp://me:s3cret@camera:554/1?k=s3cret": "camera-1",
		"http://me:s3cret%zz@host/a.m3u8":        "host-a", // not a valid URL
		"http://me:s3/cret%zz@host/a.m3u8":       "host-a",
		"http://me:s3cret%zz@host/":              "host",
	} {
		if got := StreamName(rawURL); got != want {
			t.Errorf("%s: %q, want %q", rawURL, got, want)
		}
	}
}
