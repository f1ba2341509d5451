package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/schedule"
	"github.com/kfgrab/kfgrab/picture"
)

// lookup is an environment and a file system for tests.
func lookup(values map[string]string) Lookup {
	return Lookup{
		Env: func(name string) (string, bool) { v, ok := values[name]; return v, ok },
		File: func(path string) ([]byte, error) {
			if v, ok := values[path]; ok {
				return []byte(v), nil
			}
			return nil, os.ErrNotExist
		},
	}
}

func parseText(t *testing.T, text string, values map[string]string) *File {
	t.Helper()
	f, err := Parse("cams.yaml", []byte(text), lookup(values))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParse(t *testing.T) {
	f := parseText(t, `
limits: {total: 8}
defaults:
  every: 5m
  width: 640
  headers: {X-A: a, X-B: b}
streams:
  - name: gate
    url: http://${USER}:${PASS}@camera/stream?token=${TOKEN}
    headers: {X-B: c}
  - name: door
    url: https://example.com/live.m3u8
    cron: "0  6 * * *"
    time_zone: Europe/Berlin
    format: png
    credentials: {user: me, password: "file:/run/secrets/door"}
`, map[string]string{"USER": "admin", "PASS": "p@ss/w:rd%", "TOKEN": "a&b", "/run/secrets/door": "hush\n"})
	if f.Limits.Total != 8 || f.Limits.PerHost != schedule.DefaultLimits.PerHost || len(f.Streams) != 2 {
		t.Fatalf("%+v", f)
	}
	gate, door := &f.Streams[0], &f.Streams[1]
	if want := "http://admin:p%40ss%2Fw:rd%25@camera/stream?token=a%26b"; gate.URL != want {
		t.Errorf("%s, want %s", gate.URL, want)
	}
	if want := "https://me:hush@example.com/live.m3u8"; door.URL != want {
		t.Errorf("%s, want %s", door.URL, want)
	}
	if gate.Schedule.Every != 5*time.Minute || door.Schedule.Every != 0 || door.Schedule.Cron != "0 6 * * *" || door.Schedule.Zone != "Europe/Berlin" {
		t.Errorf("%v, %v", gate.Schedule, door.Schedule)
	}
	if h := gate.Options.Header; h.Get("X-A") != "a" || h.Get("X-B") != "c" || door.Options.Header.Get("X-B") != "b" {
		t.Errorf("%v, %v", h, door.Options.Header)
	}
	if gate.Options.Width != 640 || gate.Picture.Output.Width != 640 || door.Picture.Format != picture.PNG || door.Picture.Name != "door" {
		t.Errorf("%+v", f.Streams)
	}
	t.Log(f.Plan())
}

func TestErrorIsUsage(t *testing.T) {
	_, err := Parse("x", []byte("streams: []"), Lookup{})
	if !errors.Is(err, kfgrab.ErrUsage) || !strings.HasPrefix(err.Error(), "x:1:") {
		t.Error(err)
	}
}

// TestParseOfWindows: a byte order mark and CRLF, as Windows editors write
// them, are accepted.
func TestParseOfWindows(t *testing.T) {
	f := parseText(t, "\ufeffstreams:\r\n  - name: a\r\n    url: http://a/\r\n    every: 10s\r\n", nil)
	if s := f.Streams[0]; s.Name != "a" || s.URL != "http://a/" || s.Schedule.Every != 10*time.Second {
		t.Error(f.Plan())
	}
}
