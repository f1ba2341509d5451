// Package testmedia makes test streams with ffmpeg's synthetic sources and keeps them in
// a cache directory outside the tree. It is internal to kfgrab: tests and the benchmark
// use it.
//
// Call [Make] with a name from recipes.go. The cache is keyed by the text of the recipe,
// so that a changed recipe is made again.
package testmedia

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Make returns the path of the stream called name. It makes the stream if it is not in
// the cache. For a recipe with several files it returns the main one (the playlist). It
// skips the test if ffmpeg is absent, and fails it if ffmpeg fails.
func Make(tb testing.TB, name string) string {
	tb.Helper()
	path, err := Path(name)
	if err != nil {
		if _, missing := exec.LookPath("ffmpeg"); missing != nil {
			tb.Skipf("test stream %s needs ffmpeg: make deps", name)
		}
		tb.Fatal(err)
	}
	return path
}

// Path is Make for code that is not a test.
func Path(name string) (string, error) {
	r, ok := recipes[name]
	if !ok {
		return "", fmt.Errorf("testmedia: no recipe %q", name)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}

	root := filepath.Join(cache, "kfgrab-testmedia")
	sum := sha256.Sum256([]byte(strings.Join(append([]string{r.out}, r.args...), "\x00")))
	dir := filepath.Join(root, name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return filepath.Join(dir, r.out), nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}

	tmp, err := os.MkdirTemp(root, "making-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := r.runFFmpeg(tmp); err != nil {
		return "", fmt.Errorf("testmedia: %s: %w", name, err)
	}
	// If two test binaries make the same stream at once, the first rename wins.
	if err := os.Rename(tmp, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", err
		}
	}
	return filepath.Join(dir, r.out), nil
}

// recipe is one ffmpeg run whose arguments end with the main output file.
type recipe struct {
	args []string
	out  string
}

func (r recipe) runFFmpeg(dir string) error {
	args := append([]string{"-hide_banner", "-nostdin", "-v", "error", "-y"}, r.args...)
	cmd := exec.Command("ffmpeg", append(args, r.out)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg %s: %w: %s", strings.Join(cmd.Args[1:], " "), err, out)
	}
	return nil
}
