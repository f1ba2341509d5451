package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
	"github.com/kfgrab/kfgrab/internal/program"
	"github.com/kfgrab/kfgrab/picture"
)

// output is where the result goes: standard output, or a file that appears only when it
// is complete.
type output struct {
	path  string // "" for standard output
	named bool   // kfgrab chose the path
	out   io.Writer
	file  *atomicfile.File
	bytes int64 // written so far
	err   error // of the first write that failed
}

// openOutput creates the file before the network is used, so that a directory without
// write permission costs nothing.
func openOutput(std *streams, flag, rawURL string, f format) (*output, error) {
	name := flag
	switch {
	case flag == "-", flag == "" && (!isTerminal(std.out) || f == formatJSON):
		return &output{out: std.out}, nil
	case flag == "":
		name = fileName(rawURL, time.Now(), f.Extension())
	}

	file, err := atomicfile.Create(name)
	if err != nil {
		return nil, err
	}
	return &output{path: name, named: flag == "", out: file, file: file}, nil
}

// Write keeps the first error. It names the path that was asked for, not that of the
// temporary file.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.out.Write(p)
	o.bytes += int64(n)
	if err != nil && o.err == nil {
		var from *fs.PathError
		if errors.As(err, &from) {
			err = from.Err
		}
		name := o.path
		if name == "" {
			name = "standard output"
		}
		o.err = &fs.PathError{Op: "write", Path: name, Err: err}
	}
	return n, o.err
}

// commit makes the file appear.
func (o *output) commit() error {
	if o.file == nil {
		return nil
	}
	return o.file.Commit()
}

// printPath prints the path if the user did not choose it.
func (o *output) printPath(w io.Writer) {
	if o.named {
		fmt.Fprintln(w, o.path)
	}
}

func (o *output) discard() {
	if o.file != nil {
		o.file.Discard()
	}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// fileName names a file after the stream and the time.
func fileName(rawURL string, now time.Time, ext string) string {
	return fmt.Sprintf("%s-%s%s", picture.StreamName(rawURL), now.UTC().Format("20060102T150405.000Z"), ext)
}

// openStdin returns standard input for the URL "-", so that reads of a pipe end at a
// deadline. For other URLs it returns in as it is.
func openStdin(rawURL string, in io.Reader) (io.ReadCloser, error) {
	f, ok := in.(*os.File)
	if rawURL != "-" || !ok {
		return io.NopCloser(in), nil
	}
	if isTerminal(f) {
		return nil, usageError(errors.New("standard input is a terminal; pipe a stream into it"))
	}

	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return io.NopCloser(in), nil // a file never blocks
	}
	return program.WithDeadlines(f)
}
