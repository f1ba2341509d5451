package config

import (
	"encoding/pem"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/serve"
)

// authority is the certificate of a test server, as PEM.
func authority() string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

const documented = "../../docs/streams.yaml"

func example(t *testing.T) (*File, string) {
	t.Helper()
	text, err := os.ReadFile(documented)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"CAMERA_CA": "/etc/camera.pem", "/etc/camera.pem": authority()}
	for _, name := range []string{
		"FFMPEG", "CAM_USER", "CAM_PASSWORD", "HOOK_KEY", "HOOK_TOKEN", "HALL_TOKEN", "PROXY_PASSWORD",
		"/run/secrets/door", "/run/secrets/token", "/run/secrets/hook",
	} {
		secrets[name] = "hush"
	}
	f, err := Parse(documented, text, lookup(secrets))
	if err != nil {
		t.Fatal(err)
	}
	return f, string(text)
}

// TestDocumented: the documented file loads, and has every key.
func TestDocumented(t *testing.T) {
	f, text := example(t)
	var keys []string
	for _, block := range [][]string{
		slices.Collect(maps.Keys(fileKeys)), slices.Collect(maps.Keys(limitKeys)), slices.Collect(maps.Keys(allKeys)),
		slices.Collect(maps.Keys(credentialKeys)), slices.Collect(maps.Keys(retentionKeys)), slices.Collect(maps.Keys(sinkKeys)),
		slices.Collect(maps.Keys(serviceKeys)), slices.Collect(maps.Keys(tlsKeys)), slices.Collect(maps.Keys(clientKeys)), slices.Collect(maps.Keys(rateKeys)),
	} {
		keys = append(keys, block...)
	}
	for _, key := range keys {
		if !strings.Contains(text, " "+key+":") && !strings.Contains(text, "\n"+key+":") && !strings.Contains(text, "{"+key+":") {
			t.Errorf("%s is not in %s", key, documented)
		}
	}
	if strings.Contains(f.Plan(), "hush") {
		t.Error(f.Plan())
	}
	byName := map[string]*Stream{}
	for i := range f.Streams {
		byName[f.Streams[i].Name] = &f.Streams[i]
	}
	gate, yard, hall := byName["gate"], byName["yard"], byName["hall"]
	if want := (sink.Retention{Age: 30 * 24 * time.Hour, Bytes: 2 << 30}); gate.Retention != want || gate.Sinks[0].To.Dir != "shots" {
		t.Errorf("%+v", gate.Retention)
	}
	if want := (sink.Retention{Age: 7 * 24 * time.Hour, Count: 10000, Bytes: 500 << 20}); byName["Front door"].Retention != want {
		t.Errorf("%+v", byName["Front door"].Retention)
	}
	if len(yard.Sinks) != 4 || yard.Sinks[3].Webhook.Secret != "hush" || yard.Sinks[3].Webhook.URL != "https://hooks.example.com/hush" {
		t.Errorf("%+v", yard.Sinks)
	}
	if hall.Options.Proxy.String() != "http://kfgrab:hush@proxy.example.com:3128" {
		t.Errorf("%v", hall.Options.Proxy)
	}
	if hall.Options.RootCAs == nil || len(hall.Options.TLSFingerprint) != 32 || hall.Options.Header.Get("X-Site") != "north" || len(hall.Options.Header["X-Zone"]) != 2 {
		t.Errorf("%+v", hall.Options.Header)
	}
	if byName["lobby"].Mode != serve.Warm || byName["wall"].Picture.Output.Crop.String() == "" {
		t.Error(f.Plan())
	}
}

// TestChangesOfTheDocumented: two reads of the same file have no changes, its
// certificate authorities included.
func TestChangesOfTheDocumented(t *testing.T) {
	a, _ := example(t)
	b, _ := example(t)
	if d := Changes(a.Streams, b.Streams); !d.Empty() {
		t.Errorf("%+v", d)
	}
	for i := range a.Streams {
		if a.Streams[i].Name == "hall" {
			a.Streams[i].Options.RootCAs = nil
		}
	}
	if d := Changes(a.Streams, b.Streams); len(d.Changed) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cams.yaml")
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KFGRAB_TEST_USER", "me")
	text := "streams: [{name: cam, url: \"rtsp://${KFGRAB_TEST_USER}:${file:" + secret + "}@camera/\"}]"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil || f.Streams[0].URL != "rtsp://me:from-a-file@camera/" {
		t.Errorf("%v, %v", f, err)
	}
	if err := os.WriteFile(secret, make([]byte, maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), " has more than 65536 bytes") {
		t.Error(err)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); err == nil || err.Error() != filepath.Join(dir, "none.yaml")+": no such file or directory" {
		t.Error(err)
	}
}

// TestMerge: << merges keys, and the keys beside it take precedence.
func TestMerge(t *testing.T) {
	f := parseText(t, `
defaults: &small
  width: 320
  timeout: 9s
streams:
  - &cam
    name: a
    url: rtsp://a/
    format: png
  - <<: *cam
    name: b
  - <<: [*small, {timeout: 8s, height: 100}]
    name: c
    url: rtsp://c/
    width: 640
  - &wide
    <<: *cam
    name: d
    width: 1280
    format: webp
  - <<: *wide
    name: e
`, nil)
	b, c, e := f.Streams[1], f.Streams[2], f.Streams[4]
	if b.Name != "b" || b.URL != "rtsp://a/" || b.Picture.Format.String() != "png" {
		t.Error(b.Plan())
	}
	if o := c.Picture.Output; o.Width != 640 || o.Height != 100 || c.Timeout != 9*time.Second {
		t.Error(c.Plan())
	}
	if e.Picture.Output.Width != 1280 || e.Picture.Format.String() != "webp" || e.URL != "rtsp://a/" {
		t.Error(e.Plan())
	}
}
