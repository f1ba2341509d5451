// Command pack makes a reproducible zip: the same files give the same bytes.
// scripts/lambda.sh runs it.
//
//	pack OUT.zip FILE…
package main

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: pack OUT.zip FILE…")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(path string, files []string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})

	for _, f := range files {
		if err := addFile(z, f); err != nil {
			return err
		}
	}

	if err := z.Close(); err != nil {
		return err
	}
	return out.Close()
}

// addFile writes the base name, the content and the executable bit of a file; nothing
// else, so that the zip does not depend on where and when it was made.
func addFile(z *zip.Writer, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	state, err := in.Stat()
	if err != nil {
		return err
	}

	header := &zip.FileHeader{
		Name: filepath.Base(file), Method: zip.Deflate,
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), // the earliest date in a zip
	}
	header.SetMode(0o644)
	if state.Mode()&0o111 != 0 {
		header.SetMode(0o755)
	}

	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}
