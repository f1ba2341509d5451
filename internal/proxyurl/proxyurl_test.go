package proxyurl

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{ // "" for an error
		"proxy:3128":               "proxy:3128",
		"http://proxy":             "proxy:80",
		"HTTPS://proxy/":           "proxy:443",
		"socks5://me:word@proxy":   "proxy:1080",
		"socks5h://[::1]:9050":     "[::1]:9050",
		"me:word@proxy:8080":       "proxy:8080",
		"http://me:p%40ss@proxy":   "proxy:80",
		"":                         "",
		"http://":                  "",
		"http://me:hush@":          "",
		"socks4://me:hush@proxy":   "",
		"ftp://me:hush@proxy":      "",
		"http://me:hush@%zz":       "",
		"http://me:hush@proxy/a":   "",
		"http://me:a/hush@proxy":   "",
		"http://proxy?secret=hush": "",
	} {
		u, err := Parse(text)
		if (err == nil) != (want != "") || err == nil && Address(u) != want {
			t.Errorf("%q: %v, %v, want %q", text, u, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
