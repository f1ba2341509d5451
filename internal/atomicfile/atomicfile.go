// Package atomicfile writes files that are either complete or absent. It is internal to
// kfgrab: everything that writes pictures or state uses it.
//
// Call [Create], write, then [File.Commit]; defer [File.Discard]. An existing file stays
// until Commit replaces it. A process that dies in between leaves a temporary file.
// [CreateAs] gives that file a known name. Commit does not sync to the disk.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// File is an unfinished file. It is in the directory of its path, under a name that
// begins with a dot.
type File struct {
	*os.File
	path string // its final path; "" if it is written in place
	done bool
}

// Create begins a file for path, which Commit puts there. If path exists and is not a
// regular file, such as /dev/full or a named pipe, Create opens it and writes in place.
func Create(path string) (*File, error) {
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil, &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &File{File: f}, err
	case err == nil:
		mode = info.Mode().Perm()
	}

	target := path
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		target = resolved // replace the target of a link, not the link
	}
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return nil, WriteError(path, err)
	}
	if err := f.Chmod(mode); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, WriteError(path, err)
	}
	return &File{File: f, path: target}, nil
}

// CreateAs is Create for a path that is a regular file or absent. Until Commit the file
// has the name temporary, in the same directory. CreateAs removes an old file of that
// name.
func CreateAs(path, temporary string) (*File, error) {
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, WriteError(path, err)
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, WriteError(path, err)
	}
	return &File{File: f, path: path}, nil
}

// WriteError returns err as an error of writing path, instead of the temporary file.
func WriteError(path string, err error) error {
	var inPath *fs.PathError
	var inLink *os.LinkError
	switch {
	case errors.As(err, &inPath):
		err = inPath.Err
	case errors.As(err, &inLink):
		err = inLink.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}

// Commit closes the file and renames it to its path.
func (f *File) Commit() error {
	f.done = true
	err := f.Close()
	if f.path == "" {
		return err
	}
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return WriteError(f.path, err)
	}
	return nil
}

// Discard removes an uncommitted file. After Commit it does nothing.
func (f *File) Discard() {
	if f.done {
		return
	}
	f.done = true
	f.Close()
	if f.path != "" {
		os.Remove(f.Name())
	}
}
