// Package atomicfile writes files that are either whole or not there.
//
// Call [Create], write, then [File.Commit]; [File.Discard] may be deferred. What
// stood at the path stays until Commit replaces it. A process that dies in between
// leaves a file behind: [CreateAs] gives it a name by which it can be found.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file in the making. It is written beside its place under a name that
// begins with a dot.
type File struct {
	*os.File
	path string // where it goes; "" where it is written in place
	done bool
}

// Create begins the file at path, which can be created then and is not before
// Commit. What is no regular file, such as /dev/full or a named pipe, is opened
// and written in place.
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
		target = resolved // the file behind a link is replaced, not the link
	}
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return nil, cannotCreate(path, err)
	}
	if err := f.Chmod(mode); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, cannotCreate(path, err)
	}
	return &File{File: f, path: target}, nil
}

// CreateAs is Create for a path where a regular file or nothing is. Until Commit the
// file is called temporary, in the same directory; what has that name is removed.
func CreateAs(path, temporary string) (*File, error) {
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, cannotCreate(path, err)
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, cannotCreate(path, err)
	}
	return &File{File: f, path: path}, nil
}

// cannotCreate names the path asked for in place of the temporary one.
func cannotCreate(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}

// Commit closes the file and puts it in its place.
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
		return cannotCreate(f.path, err)
	}
	return nil
}

// Discard takes an uncommitted file away. After Commit it does nothing.
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
