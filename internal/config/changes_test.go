package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/serve"
)

const three = `
streams:
  - {name: a, url: "rtsp://a/", every: 5m}
  - {name: b, url: "http://b/", headers: {X: "${KEY}"}}
  - {name: c, url: "rtsp://c/", cron: "0 6 * * *", time_zone: Europe/Berlin, sinks: [shots, {webhook: "https://x/"}]}
`

func TestChanges(t *testing.T) {
	before := parseText(t, three, map[string]string{"KEY": "1"})
	for _, tt := range []struct {
		name, text, key string
		want            string // names
	}{
		{"nothing", three, "1", ""},
		{"order", "streams:\n" + strings.Join(reversed(strings.Split(strings.TrimSpace(three), "\n")[1:]), "\n"), "1", ""},
		{"a secret", three, "2", "~b"},
		{"a default", "defaults: {timeout: 9s}" + three, "1", "~a ~b ~c"},
		{"one", strings.Replace(three, "5m", "6m", 1), "1", "~a"},
		{"a sink", strings.Replace(three, "https://x/", "https://y/", 1), "1", "~c"},
		{"a name", strings.Replace(three, "name: a", "name: d", 1), "1", "+d -a"},
		{"all but one", "streams: [{name: a, url: \"rtsp://a/\", every: 300s}]", "1", "-b -c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := Changes(before.Streams, parseText(t, tt.text, map[string]string{"KEY": tt.key}).Streams)
			var got []string
			for _, s := range d.Added {
				got = append(got, "+"+s.Name)
			}
			for _, s := range d.Changed {
				got = append(got, "~"+s.Name)
			}
			for _, name := range d.Removed {
				got = append(got, "-"+name)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			if d.Empty() != (tt.want == "") {
				t.Errorf("Empty is %v", d.Empty())
			}
		})
	}
}

func reversed(lines []string) (out []string) {
	for i := range lines {
		out = append(out, lines[len(lines)-1-i])
	}
	return out
}

func TestFromArguments(t *testing.T) {
	taken := map[string]bool{}
	base := Stream{Stream: serve.Stream{Options: kfgrab.Options{Width: 640}}}
	for _, tt := range []struct{ argument, name, url string }{
		{"gate=rtsp://me:hush@camera/1", "gate", "rtsp://me:hush@camera/1"},
		{"rtsp://camera/1", "camera-1", "rtsp://camera/1"},
		{"rtsp://CAMERA/1", "CAMERA-1-2", "rtsp://CAMERA/1"},
		{"rtsp://camera/1?a=b", "camera-1-3", "rtsp://camera/1?a=b"},
		{"https://x/live.m3u8?name=value", "x-live", "https://x/live.m3u8?name=value"},
		{"front door=https://x/?a=b", "front door", "https://x/?a=b"},
		{"./a=b/film.mp4", "film", "./a=b/film.mp4"},
	} {
		s, err := fromArgument(tt.argument, base, Lookup{}, taken)
		taken[strings.ToLower(s.Name)] = true
		if err != nil || s.Name != tt.name || s.URL != tt.url || s.Options.Width != 640 || s.Picture.Name != tt.name {
			t.Errorf("%s: %s, %s, %v", tt.argument, s.Name, s.URL, err)
		}
		if strings.Contains(s.String(), "hush") {
			t.Errorf("%v", s)
		}
	}
	for argument, want := range map[string]string{
		"gate=rtsp://other/":       `two streams have the name "gate"`,
		"=rtsp://other/":           "NAME=URL",
		"a\nb=rtsp://other/":       "not '\\n'",
		"x=-":                      "standard input",
		"gopher://me:hush@other/":  "",
		"x=rtsp://me:hu%sh@other/": "no valid URL",
		"":                         "no URL",
	} {
		_, err := FromArguments([]string{"gate=rtsp://camera/1", argument}, base, Lookup{})
		if !errors.Is(err, kfgrab.ErrUsage) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v, want %q in it", argument, err, want)
		}
	}
}
