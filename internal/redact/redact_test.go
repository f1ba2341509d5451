package redact

import (
	"strings"
	"testing"
)

var cases = []struct{ name, in, want string }{
	{"plain", "https://example.com/a/b.m3u8", "https://example.com/a/b.m3u8"},
	{"userinfo", "rtsp://admin:s3cret@10.0.0.1:554/ch1", "rtsp://xxxxx@10.0.0.1:554/ch1"},
	{"user alone", "rtsp://admin@10.0.0.1/ch1", "rtsp://xxxxx@10.0.0.1/ch1"},
	{"query values", "https://h/p?token=s3cret&cam=3", "https://h/p?token=xxxxx&cam=xxxxx"},
	{"query without names", "https://h/p?s3cret", "https://h/p?xxxxx"},
	{"fragment", "https://h/p#s3cret", "https://h/p"},
	{"opaque", "rtsp:admin:s3cret@host/x", "rtsp:xxxxx"},
	{"bad escape in the password", "rtsp://admin:s3cret%zz@host/x", "rtsp://xxxxx@host/x"},
	{"at sign in the password", "rtsp://admin:s3cret@2%@host/x?token=s3cret", "rtsp://xxxxx@host/x"},
	{"number sign in the password", "rtsp://admin:s3cret#1@host/x", "rtsp://xxxxx"},
	{"question mark in the password", "rtsp://admin:s3cret?1@host/x", "rtsp://xxxxx"},
	{"signs in the password", "rtsp://admin:s3/cret#@host/x", "rtsp://xxxxx"},
	{"not a URL", "s3cret\x7f", "xxxxx"},
	{"file", "/tmp/a.ts", "/tmp/a.ts"},
}

func TestURL(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := URL(c.in); got != c.want {
				t.Errorf("URL(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

// FuzzURL: no password and no query value survives, whatever surrounds them.
func FuzzURL(f *testing.F) {
	f.Add("user", "host", "path")
	f.Add("us%zzer", "ho st", "")
	f.Add("", "", "\x7f")
	f.Fuzz(func(t *testing.T, user, host, path string) {
		const secret = "s3cr3tw0rd"
		for _, in := range []string{
			"rtsp://" + user + ":" + secret + "@" + host + "/" + path,
			"https://" + strings.ReplaceAll(host, "?", "") + "/" + "p?" + user + "=" + secret,
		} {
			if strings.Contains(user+host+path, secret) || strings.ContainsAny(user+host+path, "/?#@&=") {
				return
			}
			if got := URL(in); strings.Contains(got, secret) {
				t.Errorf("URL(%q) = %q shows the secret", in, got)
			}
		}
	})
}
