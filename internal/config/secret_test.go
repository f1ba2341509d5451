package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	values := map[string]string{"A": "a", "B_2": "b", "/run/secrets/x": "hush\r\n", "rel": "r"}
	for _, tt := range []struct{ raw, value, shown string }{
		{"", "", ""},
		{"plain", "plain", "plain"},
		{"${A}", "a", "xxxxx"},
		{"x${A}y${B_2}z", "xaybz", "xxxxxxyxxxxxz"},
		{"$$${A}$$", "$a$", "$xxxxx$"},
		{"$${A}", "${A}", "${A}"},
		{"file:/run/secrets/x", "hush", "xxxxx"},
		{"file:rel", "r", "xxxxx"},
		{"Bearer ${file:/run/secrets/x}", "Bearer hush", "Bearer xxxxx"},
		{"file:///video.mp4", "file:///video.mp4", "file:///video.mp4"},
	} {
		got, err := lookup(values).fillText(tt.raw, nil)
		if err != nil || got.value != tt.value || got.shown != tt.shown {
			t.Errorf("%s: %+v, %v, want %s and %s", tt.raw, got, err, tt.value, tt.shown)
		}
	}
	for _, raw := range []string{"$", "$A", "${", "${}", "${A", "${A-b}", "${1}", "${file:}", "${C}", "file:/nowhere", "${file:/nowhere}"} {
		if got, err := lookup(values).fillText(raw, nil); err == nil {
			t.Errorf("%s: %+v", raw, got)
		}
	}
	if _, err := (Lookup{}).fillText("${A}", nil); err == nil {
		t.Error("a variable of no environment")
	}
	if _, err := (Lookup{}).fillText("file:/etc/hostname", nil); err == nil {
		t.Error("a file of no file system")
	}
}

// TestFillURL: characters in a secret that would end a part of the URL are
// escaped.
func TestFillURL(t *testing.T) {
	values := map[string]string{"S": `a@b/c:d?e#f&g=h%40 [i]`, "HOST": "camera:554", "URL": "rtsp://me:hush@camera/x?y=z", "PATH": "a/b"}
	const user, query = "a%40b%2Fc:d%3Fe%23f&g=h%2540%20%5Bi%5D", "a%40b%2Fc%3Ad%3Fe%23f%26g%3Dh%2540%20%5Bi%5D"
	for _, tt := range []struct{ raw, value, shown string }{
		{"rtsp://${S}@camera/x", "rtsp://" + user + "@camera/x", "rtsp://xxxxx@camera/x"},
		{"rtsp://me:${S}@camera", "rtsp://me:" + user + "@camera", "rtsp://xxxxx@camera"},
		{"https://x/?token=${S}&b=c", "https://x/?token=" + query + "&b=c", "https://x/?token=xxxxx&b=xxxxx"},
		{"rtsp://${HOST}/${PATH}", "rtsp://camera:554/a/b", "rtsp://xxxxx/xxxxx"},
		{"${URL}", values["URL"], "${URL}"},
		{"${URL}&a=b", values["URL"] + "&a=b", "xxxxx&a=b"},
		{"https://x/#${PATH}", "https://x/#a/b", "https://x/"},
	} {
		got, err := lookup(values).fillURL(tt.raw)
		if err != nil || got.value != tt.value || got.shown != tt.shown {
			t.Errorf("%s: %+v, %v\nwant %s and %s", tt.raw, got, err, tt.value, tt.shown)
		}
	}
}

// TestNothingPrintsSecrets: no way of printing a configuration shows a secret.
func TestNothingPrintsSecrets(t *testing.T) {
	f := parseText(t, `
defaults:
  headers: {Authorization: "Bearer ${HUSH}"}
streams:
  - name: cam
    url: rtsp://me:${HUSH}@camera/${HUSH}
    user_agent: ${HUSH}
    sinks:
      - dir: /srv/${HUSH}
      - s3: s3://bucket/${HUSH}
      - exec: "true --key literal-hush"
      - webhook: https://hooks.example.com/literal-hush?x=${HUSH}
        secret: ${HUSH}
        headers: {X-Key: "${HUSH}"}
      - webhook: ${HOOK}
`, map[string]string{"HUSH": "hush", "HOOK": "https://hush.example.com/"})
	s := f.Streams[0]
	for _, text := range []string{f.Plan(), s.Plan(), s.String(), s.RedactedURL, fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%+v", f.Streams), fmt.Sprintf("%#v", s.Sinks[3].Webhook), fmt.Sprintf("%+v", *s.Sinks[4].Webhook)} {
		if strings.Contains(text, "hush") {
			t.Errorf("%s", text)
		}
	}
	if !strings.Contains(f.Plan(), "webhook https://hooks.example.com, signed") || !strings.Contains(f.Plan(), "to /srv/xxxxx, {name}") {
		t.Error(f.Plan())
	}
}
