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
	"github.com/kfgrab/kfgrab/picture"
)

// output is where the result goes: a file that is whole or not there, or standard
// output.
type output struct {
	path string // "" for standard output
	ours bool   // the path: nobody asked for it
	out  io.Writer
	file *atomicfile.File
	err  error // of the first write that failed
}

// openOutput decides where to. The file is begun before the network is touched,
// so that a directory that cannot be written to costs nothing.
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
	return &output{path: name, ours: flag == "", out: file, file: file}, nil
}

// Write keeps the first error, by the name that was asked for: a file in the
// making has another.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.out.Write(p)
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

// tell prints the path where the user cannot know it.
func (o *output) tell(w io.Writer) {
	if o.ours {
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
