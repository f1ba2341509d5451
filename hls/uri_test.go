package hls

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

func TestURIResolve(t *testing.T) {
	tests := []struct {
		base, text string
		want       string
		kind       error
	}{
		{"https://h/a/b.m3u8?t=1", "s.ts", "https://h/a/s.ts", nil},
		{"https://h/a/b.m3u8?t=1", "s.ts?u=2", "https://h/a/s.ts?u=2", nil},
		{"https://h/a/b.m3u8?t=1", "?u=2", "https://h/a/b.m3u8?u=2", nil},
		{"https://h/a/b.m3u8", "../c/s.ts", "https://h/c/s.ts", nil},
		{"https://h/a/b.m3u8", ".//s.ts", "https://h/a//s.ts", nil},
		{"https://h/a/b.m3u8", "/s.ts", "https://h/s.ts", nil},
		{"https://h/a/b.m3u8", "//k:81/s.ts", "https://k:81/s.ts", nil},
		{"https://h/a/b.m3u8", "http://k/s.ts", "http://k/s.ts", nil},
		{"https://h/a/b.m3u8", "my video.ts", "https://h/a/my%20video.ts", nil},
		{"https://h/a/b.m3u8", "HTTP://k/s.ts", "http://k/s.ts", nil},
		{"https://u:p@h/a/b.m3u8", "s.ts", "https://u:p@h/a/s.ts", nil},
		{"", "http://k/s.ts", "http://k/s.ts", nil},
		{"file:///v/b.m3u8", "s.ts", "file:///v/s.ts", nil},
		{"file:///v/b.m3u8", "/w/s.ts", "file:///w/s.ts", nil},
		{"file:///v/b.m3u8", "https://h/s.ts", "https://h/s.ts", nil},

		{"", "s.ts", "", keyframe.ErrUnsupported},
		{"https://h/b.m3u8", "file:///etc/passwd", "", keyframe.ErrUnsupported},
		{"file:///v/b.m3u8", "file:///etc/passwd", "", keyframe.ErrUnsupported},
		{"file:///v/b.m3u8", "//h/s.ts", "", keyframe.ErrUnsupported},
		{"https://h/b.m3u8", "rtsp://h/s", "", keyframe.ErrUnsupported},
		{"https://h/b.m3u8", "data:text/plain,x", "", keyframe.ErrUnsupported},
		{"https://h/b.m3u8", "skd://x", "", keyframe.ErrUnsupported},
		{"https://h/b.m3u8", "http:///s.ts", "", keyframe.ErrUnsupported},
		{"https://h/b.m3u8", "concat:a|b", "", keyframe.ErrUnsupported},
		{"https://h/b.m3u8", "", "", keyframe.ErrCorrupt},
		{"https://h/b.m3u8", "http://u:secret@h/%zz?t=secret", "", keyframe.ErrCorrupt},
		{"https://h/b.m3u8", "a\x00b", "", keyframe.ErrCorrupt},
	}
	for _, tt := range tests {
		var base *url.URL
		if tt.base != "" {
			base = parseURL(t, tt.base)
		}
		got, err := URI{tt.text, base}.Resolve()
		switch {
		case tt.kind != nil:
			if !errors.Is(err, tt.kind) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q in %q: got %v, %v, want %v and no secrets", tt.text, tt.base, got, err, tt.kind)
			}
		case err != nil || got.String() != tt.want:
			t.Errorf("%q in %q: got %v, %v, want %s", tt.text, tt.base, got, err, tt.want)
		}
	}
}
