package address

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, raw := range []string{
		"rtsp://cam:123/word@127.0.0.1:9/h264",
		"http://bob:12/34@127.0.0.1:9/x",
		"rtsp://admin:p@ss/word@127.0.0.1:9/x",
		"rtsp://cam:p@ss:w/ord#1@127.0.0.1:9/h264",
		"rtsp://cam:qu?word@127.0.0.1:9/h264",
		"rtsp://cam:#word@127.0.0.1/h264",
		"rtsp://cam:word%zz@127.0.0.1/h264",
		"rtsp://cam:word@[::1/h264",
		"https://h:8080/word@x", // an unescaped password of the user h, for all we know
		"http://h/?t=1:word&mail=a@b",
	} {
		u, err := Parse(raw)
		if err == nil || !strings.Contains(err.Error(), "%40") {
			t.Errorf("%s: %v, %v", raw, u, err)
			continue
		}
		if strings.Contains(err.Error(), "word@") || strings.Contains(err.Error(), "ss/") {
			t.Errorf("%s: %v shows the password", raw, err)
		}
	}

	for raw, host := range map[string]string{
		"RTSP://cam:p%40ss%2Fword@127.0.0.1:9/h264": "127.0.0.1:9",
		"rtsp://cam:p@ss@127.0.0.1/h264":            "127.0.0.1",
		"https://h/@channel/live.m3u8":              "h",
		"https://h/?mail=a@b":                       "h",
		"http://h:8080/a:b?c:d":                     "h:8080",
		"rtsp://user@[fe80::1%25eth0]:554/a":        "[fe80::1%eth0]:554",
	} {
		if u, err := Parse(raw); err != nil || u.Host != host {
			t.Errorf("%s: %v, %v", raw, u, err)
		}
	}
}

func TestCheckPath(t *testing.T) {
	for raw, want := range map[string]string{
		"admin:word@127.0.0.1/stream":       "did you mean rtsp://xxxxx@127.0.0.1/stream?",
		"rtsp:/admin:word@127.0.0.1:9/x":    "did you mean rtsp://xxxxx@127.0.0.1:9/x?",
		"rtsp//admin:word@127.0.0.1:9/x":    "did you mean rtsp://xxxxx@127.0.0.1:9/x?",
		"https:/admin:word@example.com/x":   "did you mean https://xxxxx@example.com/x?",
		"rtsps:admin:word@example.com/x":    "did you mean rtsps://xxxxx@example.com/x?",
		"admin:wo/rd@word@example.com/x?a=": "did you mean rtsp://xxxxx@example.com/x?a=xxxxx?",
	} {
		err := CheckPath(raw)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "word") {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}

	there := filepath.Join(t.TempDir(), "cam:1@home.ts")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{there, "/nowhere/a.ts", "at@home.ts", "12:30.ts"} {
		if err := CheckPath(path); err != nil {
			t.Error(err)
		}
	}
}
