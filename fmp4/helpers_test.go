package fmp4_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

func isStreamError(err error) bool {
	return errors.Is(err, keyframe.ErrNotFound) || errors.Is(err, keyframe.ErrCorrupt) || errors.Is(err, keyframe.ErrUnsupported)
}

// countingReader counts reads of data.
type countingReader struct {
	data  []byte
	bytes int64
	reads int
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	r.reads++
	n, err := bytes.NewReader(r.data).ReadAt(p, off)
	r.bytes += int64(n)
	return n, err
}

// ffmpeg runs ffmpeg and returns its output.
func ffmpeg(tb testing.TB, args ...string) []byte {
	tb.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		tb.Skip("needs ffmpeg: make deps")
	}
	var stderr bytes.Buffer
	cmd := exec.Command("ffmpeg", append([]string{"-hide_banner", "-v", "error", "-nostdin", "-y"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("ffmpeg %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// md5s returns the hashes in the output of ffmpeg's framemd5, one per picture.
func md5s(framemd5 []byte) (sums []string) {
	for _, line := range strings.Split(string(framemd5), "\n") {
		if line != "" && line[0] != '#' {
			fields := strings.Split(line, ",")
			sums = append(sums, strings.TrimSpace(fields[len(fields)-1]))
		}
	}
	return sums
}

// pictures compares keyframes with the framemd5 that each must decode to. One
// ffmpeg decodes many, because most of its time goes into starting.
type pictures struct {
	names  []string
	frames []*keyframe.Frame
	sums   []string
}

func (p *pictures) add(name string, f *keyframe.Frame, sum string) {
	p.names, p.frames, p.sums = append(p.names, name), append(p.frames, f), append(p.sums, sum)
}

func (p *pictures) check(t *testing.T) {
	t.Helper()
	const batch = 24
	dir := t.TempDir()
	for from := 0; from < len(p.names); from += batch {
		to := min(from+batch, len(p.names))
		var in, out []string
		for i, f := range p.frames[from:to] {
			path := filepath.Join(dir, strconv.Itoa(i))
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			in = append(in, "-f", f.Codec.String(), "-i", path)
			out = append(out, "-map", strconv.Itoa(i), "-frames:v", "1", "-f", "framemd5", path+".md5")
		}
		ffmpeg(t, append(in, out...)...)
		for i := range p.names[from:to] {
			list, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)+".md5"))
			if err != nil {
				t.Fatal(err)
			}
			if got := md5s(list); len(got) != 1 || got[0] != p.sums[from+i] {
				t.Errorf("%s: pictures %q, not %s", p.names[from+i], got, p.sums[from+i])
			}
		}
	}
}

func recipe(tb testing.TB, name string) string { return testmedia.Make(tb, name) }
