package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMakeInstall: make install puts program, small decoder and man pages below PREFIX,
// the installed program finds that decoder, and make uninstall leaves nothing.
func TestMakeInstall(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip(err)
	}
	program, err := exec.LookPath("kfgrab")
	if err != nil {
		t.Fatal(err)
	}
	built, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "Makefile"), string(makefile))
	writeFile(t, filepath.Join(dir, "bin", "kfgrab"), string(built))
	writeFile(t, filepath.Join(dir, "bin", "kfgrab-ffmpeg"), "#!/bin/sh\nexec ffmpeg \"$@\"\n")
	for _, name := range []string{"kfgrab", "kfgrab-ffmpeg"} {
		if err := os.Chmod(filepath.Join(dir, "bin", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}

	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
		return string(out)
	}
	to := []string{"GO=true", "DESTDIR=" + filepath.Join(dir, "package root"), "PREFIX=/usr"} // both programs are built already
	run(append([]string{"make", "install"}, to...)...)
	installed := filepath.Join(dir, "package root", "usr")
	for _, path := range []string{"bin/kfgrab", "bin/kfgrab-ffmpeg", "share/man/man1/kfgrab.1", "share/man/man1/kfgrab-watch.1"} {
		if _, err := os.Stat(filepath.Join(installed, path)); err != nil {
			t.Error(err)
		}
	}
	text := run(filepath.Join(installed, "bin/kfgrab"), "version")
	if !strings.Contains(text, filepath.Join(installed, "bin/kfgrab-ffmpeg")) || strings.Contains(text, smallDecoderHint) {
		t.Error(text)
	}

	run(append([]string{"make", "uninstall"}, to...)...)
	err = filepath.WalkDir(installed, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s is still there", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
