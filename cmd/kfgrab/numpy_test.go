package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// TestNumpy runs the Python of docs/output.md.
func TestNumpy(t *testing.T) {
	if err := exec.Command("python3", "-c", "import numpy").Run(); err != nil {
		t.Skip("0 snippets run: python3 has no numpy")
	}
	needFFmpeg(t)
	text, err := os.ReadFile("../../docs/output.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```python\n")
	snippet, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("no snippet")
	}

	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "kfgrab"), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const check = `
import sys
print(grab(sys.argv[1]).shape, grab(sys.argv[1], 33).shape)
try:
    grab("missing.ts")
except RuntimeError as error:
    print(error)
`
	cmd := exec.Command("python3", "-c", snippet+check, testmedia.Make(t, "h264.ts"))
	cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	const want = "(360, 640, 3) (19, 33, 3)\nopen missing.ts: no such file or directory"
	if err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
}
