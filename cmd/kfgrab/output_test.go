package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFileName(t *testing.T) {
	now := time.Date(2026, 3, 1, 1, 2, 3, 45_678_901, time.FixedZone("", 3600))
	const stamp = "-20260301T000203.045Z.jpg"
	for _, test := range []struct{ url, want string }{
		{"http://example.com/live/master.m3u8?token=" + secret, "example.com-live-master"},
		{"https://user:" + secret + "@example.com:8443/a.b/c.ts#x", "example.com-a.b-c"},
		{"rtsp://user:" + secret + "@[2001:db8::1]:554/Streaming/Channels/101", "2001-db8--1-Streaming-Channels-101"},
		{"rtsp://camera", "camera"},
		{"http://example.com/", "example.com"},
		{"http://example.com/../../etc/passwd", "example.com-..-..-etc-passwd"},
		{"http://example.com/a%2F..%2Fb%00c d.ts", "example.com-a-..-b-c-d"},
		{"udp://@239.1.2.3:1234", "239.1.2"},
		{"/videos/some film.mp4", "some-film"},
		{"film.mp4", "film"},
		{"../film", "film"},
		{".hidden.ts", "hidden"},
		{"-", "stdin"},
		{"..", "stream"},
		{"---.ts", "stream"},
		{"日本.ts", "stream"},
		{"http://%zz/" + secret + "/a.ts", "a"},
		{"http://example.com/" + strings.Repeat("x", 300) + "/end.m3u8", strings.Repeat("x", 96) + "-end"},
	} {
		if got := fileName(test.url, now, ".jpg"); got != test.want+stamp {
			t.Errorf("%s: %s, want %s", test.url, got, test.want+stamp)
		}
	}
}

// FuzzFileName: a name is a visible file in the current directory, and short
// enough.
func FuzzFileName(f *testing.F) {
	f.Add("http://user:s3cret@example.com/live/master.m3u8?token=s3cret")
	f.Add("../../etc/passwd")
	f.Add("-")
	f.Add(strings.Repeat("a.", 500))
	shape := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*-\d{8}T\d{6}\.\d{3}Z\.jpg$`)
	f.Fuzz(func(t *testing.T, url string) {
		if got := fileName(url, time.Unix(0, 0), ".jpg"); !shape.MatchString(got) || len(got) > 255 {
			t.Errorf("%q: %q", url, got)
		}
	})
}

func TestOpenOutput(t *testing.T) {
	dir := t.TempDir()
	var stdout bytes.Buffer
	std := &streams{out: &stdout}

	for _, flag := range []string{"", "-"} {
		o, err := openOutput(std, flag, "a.ts", format{})
		if err != nil || o.path != "" {
			t.Fatalf("%q: %+v, %v", flag, o, err)
		}
		o.Write([]byte(flag + "x"))
		o.discard()
		if err := o.commit(); err != nil {
			t.Error(err)
		}
	}
	if stdout.String() != "x-x" {
		t.Errorf("standard output %q", stdout.String())
	}

	path := filepath.Join(dir, "a.jpg")
	for _, commit := range []bool{false, true} {
		o, err := openOutput(std, path, "a.ts", format{})
		if err != nil || o.path != path {
			t.Fatalf("%+v, %v", o, err)
		}
		o.Write([]byte("picture"))
		if commit {
			err = o.commit()
		}
		o.discard()
		if data, readErr := os.ReadFile(path); err != nil || (readErr == nil) != commit || commit && string(data) != "picture" {
			t.Errorf("commit %v: %q, %v, %v", commit, data, err, readErr)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestOpenOutputReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	_, err := openOutput(&streams{}, filepath.Join(dir, "a.jpg"), "a.ts", format{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestOutputError: an error names the requested file, not the temporary one,
// and the first failure counts.
func TestOutputError(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "/dir/.a.jpg.1234", Err: syscall.ENOSPC}
	o := &output{path: "a.jpg", out: failing{full}}
	_, err := o.Write([]byte("x"))
	if err == nil || err.Error() != "write a.jpg: no space left on device" || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	o.out = failing{fs.ErrClosed}
	if _, again := o.Write([]byte("x")); again != err || o.err != err {
		t.Errorf("%v", again)
	}
	o = &output{out: failing{syscall.EIO}}
	if _, err := o.Write(nil); err.Error() != "write standard output: input/output error" {
		t.Errorf("%v", err)
	}
}
