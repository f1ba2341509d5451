package redact

import (
	"strings"
	"testing"
)

var cases = []struct{ name, in, want string }{
	{"plain", "https://example.com/a/b.m3u8", "https://example.com/a/b.m3u8"},
	{"port", "http://127.0.0.1:8080/a:b", "http://127.0.0.1:8080/a:b"},
	{"userinfo", "rtsp://admin:s3cret@10.0.0.1:554/ch1", "rtsp://xxxxx@10.0.0.1:554/ch1"},
	{"user alone", "rtsp://admin@10.0.0.1/ch1", "rtsp://xxxxx@10.0.0.1/ch1"},
	{"query values", "https://h/p?token=s3cret&cam=3", "https://h/p?token=xxxxx&cam=xxxxx"},
	{"query without names", "https://h/p?s3cret", "https://h/p?xxxxx"},
	{"fragment", "https://h/p#s3cret", "https://h/p"},
	{"at sign in the path", "https://h/@channel/live.m3u8", "https://h/@channel/live.m3u8"},
	{"at sign in the query", "https://h/p?mail=a@b", "https://h/p?mail=xxxxx"},

	{"opaque", "rtsp:admin:s3cret@host/x", "rtsp:xxxxx@host/x"},
	{"bad escape in the password", "rtsp://admin:s3cret%zz@host/x", "rtsp://xxxxx@host/x"},
	{"at sign in the password", "rtsp://admin:s3cret@2%@host/x?token=s3cret", "rtsp://xxxxx@host/x?token=xxxxx"},
	{"number sign in the password", "rtsp://admin:s3cret#1@host/x", "rtsp://xxxxx@host/x"},
	{"question mark in the password", "rtsp://admin:s3cret?1@host/x", "rtsp://xxxxx@host/x"},
	{"slash in the password", "rtsp://cam:123/s3cret@host/x", "rtsp://xxxxx@host/x"},
	{"signs in the password", "rtsp://admin:s3/cret#@host/x", "rtsp://xxxxx@host/x"},
	{"space in the password", "rtsp://admin:s3 cret@host/x", "rtsp://xxxxx@host/x"},
	{"control character", "s3cret\x7f", "xxxxx"},

	{"no scheme", "admin:s3cret@host/x", "xxxxx@host/x"},
	{"a slash too few", "rtsp:/admin:s3cret@host/x", "rtsp:/xxxxx@host/x"},
	{"a slash too many", "rtsp:///admin:s3cret@host/x", "rtsp:///xxxxx@host/x"},
	{"no colon", "rtsp//admin:s3cret@host/x", "rtsp//xxxxx@host/x"},
	{"slashes alone", "//admin:s3cret@host/x", "//xxxxx@host/x"},
	{"an unknown scheme", "rtps://admin:s3cret@host/x", "rtps://xxxxx@host/x"},
	{"upper case", "RTSP:admin:s3cret@host/x", "RTSP:xxxxx@host/x"},
	{"a space in front", " rtsp://admin:s3cret@host/x", " rtsp://xxxxx@host/x"},
	{"no scheme, a query", "example.com/live?token=s3cret", "example.com/live?token=xxxxx"},

	{"an escaped at sign", "rtsp://admin:s3cret%40host:554/x", "rtsp://admin:xxxxx/x"},
	{"an escaped at sign, no scheme", "admin:s3cret%40host/x", "admin:xxxxx@host/x"},
	{"cut by the shell", "rtsp://admin:s3cret", "rtsp://admin:xxxxx"},
	{"cut by the shell after digits", "rtsp://admin:12s3cret", "rtsp://admin:xxxxx"},
	{"a port that is none behind IPv6", "rtsp://[::1]:s3cret/x", "rtsp://[::1]:xxxxx/x"},
	{"IPv6", "rtsp://[fe80::1%25eth0]/x", "rtsp://[fe80::1%25eth0]/x"},
	{"IPv6 and port", "rtsp://[::1]:554/x", "rtsp://[::1]:554/x"},
	{"an address in the path", "https://h:80/rtsp%3A%2F%2Fadmin%3As3cret%40cam/x", "https://h:80/rtsp:xxxxx@cam/x"},
	{"an escaped at sign in the path", "https://h:8080/%40channel/live.m3u8", "https://h:8080/%40channel/live.m3u8"},

	{"escaped fields in the path", "rtsp://h/user%3Dadmin%26PASS%3Ds3cret%26channel%3d1", "rtsp://h/user%3Dxxxxx%26PASS%3Dxxxxx%26channel%3d1"},
	{"field with a colon", "rtsp://h/password:s3cret/x", "rtsp://h/password:xxxxx/x"},
	{"field without a secret", "rtsp://h/keyframe=2/profile:main/bypass=1", "rtsp://h/keyframe=2/profile:main/bypass=1"},
	{"fields in the path", "rtsp://h:554/user=admin_password=s3cret_channel=1_stream=0.sdp?real_stream", "rtsp://h:554/user=xxxxx_password=xxxxx_channel=1_stream=0.sdp?xxxxx"},
	{"signs in such a field", "rtsp://h/user=admin&password=s3_cr.et&channel=1", "rtsp://h/user=xxxxx&password=xxxxx&channel=1"},
	{"token in the path", "https://h/token=s3cret/live.m3u8", "https://h/token=xxxxx/live.m3u8"},
	{"hash in the path", "https://h/d41d8cd98f00b204e9800998ecf8427e/live.m3u8", "https://h/xxxxx/live.m3u8"},
	{"random part", "https://h/hls/dQw4w9WgXcQrZ8pL3mN7/live.m3u8", "https://h/hls/xxxxx/live.m3u8"},
	{"random file name", "https://h/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abcDEF123.ts", "https://h/xxxxx.ts"},
	{"UUID", "https://h/123e4567-e89b-12d3-a456-426614174000/live.m3u8", "https://h/123e4567-e89b-12d3-a456-426614174000/live.m3u8"},
	{"words", "https://h/Studio-2-Main-Programme-1080p50-Backup/index.m3u8", "https://h/Studio-2-Main-Programme-1080p50-Backup/index.m3u8"},
	{"time", "https://h/20260301T140203.000Z/seg-000000000000000012345.m4s", "https://h/20260301T140203.000Z/seg-000000000000000012345.m4s"},

	{"file", "/tmp/a.ts", "/tmp/a.ts"},
	{"file in a random directory", "/tmp/dQw4w9WgXcQrZ8pL3mN7/a.ts", "/tmp/dQw4w9WgXcQrZ8pL3mN7/a.ts"},
	{"URL of such a file", "file:///tmp/dQw4w9WgXcQrZ8pL3mN7/a.ts", "file:///tmp/dQw4w9WgXcQrZ8pL3mN7/a.ts"},
	{"file with signs", "/tmp/a b%zz#1?.ts", "/tmp/a b%zz#1?.ts"},
	{"relative file", "clips/at@home.mp4", "clips/at@home.mp4"},
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

// FuzzURL: no password survives, whatever is in it and around it, and however the scheme
// is mistyped.
func FuzzURL(f *testing.F) {
	f.Add("rtsp://", "user", "pass", "host/path")
	for _, scheme := range []string{"", "rtsp:", "rtsp:/", "rtsp//", "rtps://", "http://", "HTTPS://"} {
		f.Add(scheme, "us%zzer", "p@ss/w:rd#1?", "ho st")
	}
	f.Fuzz(func(t *testing.T, scheme, user, password, host string) {
		const secret = "s3cr3tw0rd"
		if strings.Contains(scheme+user+host, secret) || strings.Contains(scheme, "@") || strings.HasPrefix(password, "//") {
			return
		}
		plain := strings.NewReplacer("?", "", "#", "", "@", "")
		for _, address := range []string{
			scheme + user + ":" + password + secret + password + "@" + host,
			scheme + plain.Replace(host) + "/p?" + plain.Replace(user) + "=" + secret,
			scheme + "host/user=" + plain.Replace(user) + "_password=" + secret + "_channel=1",
		} {
			if got := URL(address); strings.Contains(got, secret) {
				t.Errorf("URL(%q) = %q shows the secret", address, got)
			}
		}
	})
}
