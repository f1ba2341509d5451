package decode

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// embed puts the installed ffmpeg into this program.
func embed(t *testing.T) {
	t.Helper()
	path, err := new(Decoder).Find()
	if err != nil {
		t.Skip(err)
	}
	if embedded, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KFGRAB_FFMPEG", "")
	t.Cleanup(func() { embedded = nil })
}

func TestEmbedded(t *testing.T) {
	f := firstFrame(t, "tiny.264", keyframe.H264)
	picture := func(d *Decoder) string {
		var w bytes.Buffer
		if err := d.Decode(context.Background(), &w, f, Output{Format: PNG}); err != nil {
			t.Fatal(err)
		}
		return w.String()
	}
	want := picture(&Decoder{})
	embed(t)
	if path, err := new(Decoder).Find(); path != embeddedPath || err != nil {
		t.Fatalf("found %s, %v", path, err)
	}
	if picture(&Decoder{}) != want {
		t.Error("another picture")
	}
	t.Setenv("KFGRAB_FFMPEG", "/nonexistent")
	if path, err := new(Decoder).Find(); err == nil {
		t.Errorf("found %s in place of what KFGRAB_FFMPEG names", path)
	}
}

// TestInMemory proves that nothing can change a program that runs from memory.
func TestInMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no memfd")
	}
	embed(t)
	path, err := embeddedInMemory()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, embedded) {
		t.Errorf("%d bytes of %d, %v", len(got), len(embedded), err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err == nil {
		t.Error("it can be written to")
	}
	if again, err := embeddedInMemory(); again != path || err != nil {
		t.Errorf("%s, then %s, %v", path, again, err)
	}
}

// TestInFile proves that without memfd the file is private, and removed after
// use.
func TestInFile(t *testing.T) {
	embed(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	file, release, err := embeddedInFile()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if v, err := (&Decoder{Path: file}).Version(context.Background()); err != nil {
		t.Errorf("version %s, %v", v, err)
	}
	release()
	release()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(dir, "none"))
	if file, _, err := embeddedInFile(); err == nil {
		t.Errorf("%s where there is no directory", file)
	}
}
