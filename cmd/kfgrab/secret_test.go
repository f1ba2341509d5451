package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMistypedAddresses tries what once showed a password.
func TestMistypedAddresses(t *testing.T) {
	for address, password := range map[string]string{
		"rtsp://cam:123/word@127.0.0.1:9/h264":                           "123/word",
		"http://bob:12/34@127.0.0.1:9/x":                                 "12/34",
		"rtsp://admin:p@ss/w@127.0.0.1:9/x":                              "p@ss/w",
		"rtsp://cam:p@ss:w/rd#1@127.0.0.1:9/h264":                        "p@ss:w/rd",
		"rtsp://cam:qu?ery@127.0.0.1:9/h264":                             "qu?ery",
		"admin:SECRETQ@127.0.0.1/stream":                                 "SECRETQ",
		"rtsp:/admin:SECRETT@127.0.0.1:9/x":                              "SECRETT",
		"rtsp//admin:SECRETW@127.0.0.1:9/x":                              "SECRETW",
		"rtps://admin:SECRETV@127.0.0.1:9/x":                             "SECRETV",
		"-rtsp://admin:SECRETU@127.0.0.1:9/x":                            "SECRETU",
		"rtsp://admin:SECRETS%40127.0.0.1:9/x":                           "SECRETS",
		"rtsp://admin:SECRETR":                                           "SECRETR",
		"rtsp://127.0.0.1:9/PASS%3DSECRETP":                              "SECRETP",
		"rtsp://127.0.0.1:9/password:SECRETO/x":                          "SECRETO",
		"http://127.0.0.1:9/rtsp%3A%2F%2Fadmin%3ASECRETN%40cam/x":        "SECRETN",
		"rtsp://127.0.0.1:9/user=admin_password=SECRETY_channel=1":       "SECRETY",
		"rtsp://127.0.0.1:9/cam?user=admin&password=SECRETZ&channel=1":   "SECRETZ",
		"http://127.0.0.1:9/d41d8cd98f00b204e9800998ecf8427e/index.m3u8": "d41d8cd98f00b204e9800998ecf8427e",
	} {
		for _, command := range []string{"", "probe", "sheet", "watch --check --every 1s --dir shots", "version", "man"} {
			_, shown := runIn(t, append(strings.Fields(command), address)...)
			if strings.Contains(shown, password) {
				t.Errorf("kfgrab %s %s shows the password: %s", command, address, shown)
			}
		}
	}
}

// secretRounds is how many random passwords TestSecretsStayHidden tries.
const secretRounds = 6

// TestSecretsStayHidden gives random passwords to every command that reads a stream, in
// every way that an address can be given, mistyped or not. No four characters of one
// appear in the output or in a file.
func TestSecretsStayHidden(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := refused.Addr().String()
	refused.Close()

	for seed := range uint64(secretRounds) {
		random := rand.New(rand.NewPCG(seed, 1))
		secret := randomPassword(random)
		escaped := url.UserPassword("admin", secret).String() + "@" + host

		leads := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			target := "http://" + escaped + "/" + url.PathEscape("password="+secret) + "?token=" + url.QueryEscape(secret)
			if r.URL.Path == "/list.m3u8" {
				w.Write([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n" + target + "\n#EXT-X-ENDLIST\n"))
				return
			}
			http.Redirect(w, r, target, http.StatusFound)
		}))
		t.Setenv("CAMERA_SECRET", secret)
		references := []string{"rtsp://admin:${CAMERA_SECRET}@" + host + "/h264", "http://" + host + "/live.m3u8?token=${CAMERA_SECRET}"}
		addresses := []string{leads.URL + "/list.m3u8", leads.URL + "/moved.ts", "rtsp://" + escaped + "/h264"}
		for _, scheme := range []string{"rtsp://", "http://", "rtps://", "rtsp:/", "rtsp//", "rtsp:", "//", "://", ""} {
			addresses = append(addresses, scheme+"admin:"+secret+"@"+host+"/h264")
		}

		addresses = append(addresses, "rtsp://"+strings.Replace(escaped, "@", "%40", 1)+"/h264")

		for _, address := range append(addresses, references...) {
			for _, command := range []string{"", "probe", "sheet", "watch --once", "watch --check", "session"} {
				arguments := append(strings.Fields(command), "--timeout", "300ms", address)
				if strings.HasPrefix(command, "watch") {
					arguments = append(arguments, "--every", "1s", "--dir", "shots")
				}
				dir, shown := runIn(t, arguments...)
				checkHidden(t, secret, arguments, dir, shown)
			}
		}
		for _, address := range append(references, "rtsp://"+strings.ReplaceAll(escaped, "$", "$$")+"/h264") {
			config := writeStreams(t, address)
			for _, flag := range []string{"--once", "--check"} {
				arguments := []string{"watch", "--config", config, flag}
				dir, shown := runIn(t, arguments...)
				checkHidden(t, secret, arguments, dir, shown)
				if !strings.Contains(shown, "door") {
					t.Errorf("kfgrab %q reads no stream: %s", arguments, shown)
				}
			}
		}
		leads.Close()
	}
}

// writeStreams writes a configuration with one stream, outside the directory of the run.
func writeStreams(t *testing.T, address string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "cams.yaml")
	content := fmt.Sprintf("defaults: {every: 1s, sinks: [shots], timeout: 300ms}\nstreams:\n  - {name: door, url: %q}\n", address)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// randomPassword returns printable characters, of which the first is no slash: rtsp:/ is a
// beginning.
func randomPassword(random *rand.Rand) string {
	secret := make([]byte, 8+random.IntN(8))
	for n := range secret {
		secret[n] = byte('!' + random.IntN('~'-'!'+1))
	}
	return strings.TrimLeft(string(secret), "/")
}

// runIn runs kfgrab in an empty directory, and returns that and all the output.
func runIn(t *testing.T, arguments ...string) (dir, shown string) {
	t.Helper()
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	run(context.Background(), arguments, strings.NewReader(""), &out, &out)
	return ".", out.String()
}

// checkHidden looks for any four characters of the secret in a text and in the names and
// contents of the files of a directory.
func checkHidden(t *testing.T, secret string, arguments []string, dir, shown string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		shown += "\n" + path
		if err == nil && entry.Type().IsRegular() {
			var content []byte
			content, err = os.ReadFile(path)
			shown += "\n" + string(content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(secret) - 3 {
		if part := secret[n : n+4]; strings.Contains(shown, part) {
			t.Errorf("kfgrab %q shows %q of the password:\n%s", arguments, part, shown)
			return
		}
	}
}
