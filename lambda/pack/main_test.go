package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPack: the same files give the same bytes, whenever and wherever they were
// made.
func TestPack(t *testing.T) {
	var zips [2][]byte
	for k := range zips {
		dir := t.TempDir()
		program, text := filepath.Join(dir, "bootstrap"), filepath.Join(dir, "licences.txt")
		for file, mode := range map[string]os.FileMode{program: 0o700, text: os.FileMode(0o600 + 0o40*k)} {
			if err := os.WriteFile(file, bytes.Repeat([]byte(filepath.Base(file)), 1000), mode); err != nil {
				t.Fatal(err)
			}
			then := time.Date(2020+k, 1, 2, 3, 4, 5, 6, time.UTC)
			if err := os.Chtimes(file, then, then); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(dir, "out.zip")
		if err := pack(out, []string{program, text}); err != nil {
			t.Fatal(err)
		}
		var err error
		if zips[k], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("the zips differ")
	}
	z, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil || len(z.File) != 2 || z.File[0].Mode() != 0o755 || z.File[1].Mode() != 0o644 {
		t.Errorf("%+v, %v", z, err)
	}
}

func TestPackFails(t *testing.T) {
	dir := t.TempDir()
	if err := pack(filepath.Join(dir, "out.zip"), []string{filepath.Join(dir, "bootstrap")}); err == nil {
		t.Error("no error for a missing file")
	}
	if err := pack(filepath.Join(dir, "none", "out.zip"), nil); err == nil {
		t.Error("no error for a missing directory")
	}
}
