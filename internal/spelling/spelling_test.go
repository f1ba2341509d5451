package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"http", "https", "rtsp", "rtsps", "probe", "session", "sheet", "width", "height", "max-bytes", "every"}
	for word, want := range map[string]string{
		"htps": "https", "htpp": "http", "hhtp": "http", "httsp": "http", "rtps": "rtsp", "rstp": "rtsp", "rtspp": "rtsp",
		"RTPS": "rtsp", "prob": "probe", "porbe": "probe", "sesion": "session", "widht": "width", "hieght": "height",
		"Every": "every", "evry": "every", "password": "", "eve": "", "hit": "",
		"max-byte": "max-bytes", "maxbytes": "max-bytes",

		"ftp": "", "x": "", "": "", "door": "", "picture": "", strings.Repeat("http", 20): "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
