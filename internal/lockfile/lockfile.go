// Package lockfile keeps a second process out of what one process at a time may use.
//
// Call [Acquire], and [Lock.Release] at the end. The kernel takes the lock back when
// the process dies in whatever way, so that the file, which stays, locks nobody out.
// [Open] is for files that are kept beside it.
// Where there is no flock(2), as on Windows, nothing is kept out.
package lockfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrHeld is wrapped by the error of Acquire where another process has the lock.
var ErrHeld = errors.New("another process has the lock")

// errWouldBlock is what flock says of a lock that somebody has.
var errWouldBlock = errors.New("would block")

// Lock is a lock that this process has.
type Lock struct {
	file *os.File
	path string
}

// Acquire locks the file at path, which is made where it is absent, in a directory
// that exists. It does not wait: where another process, or another Lock of this one,
// has it, the error names the process and wraps [ErrHeld].
func Acquire(path string) (*Lock, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	if err := flock(file); err != nil {
		defer file.Close()
		if errors.Is(err, errWouldBlock) {
			return nil, fmt.Errorf("%w%s (%s)", ErrHeld, holder(file), path)
		}
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
	// Who holds it is for people to read: a disk that is full does not matter.
	if file.Truncate(0) == nil {
		host, _ := os.Hostname()
		file.WriteAt(fmt.Appendf(nil, "%d %s\n", os.Getpid(), host), 0)
	}
	return &Lock{file, path}, nil
}

// Open opens the file at path to be read and written, made where it is absent, in a
// directory that exists. A link out of that directory is an error: who may write there
// could have planted it, to have what it leads to overwritten.
func Open(path string) (*os.File, error) {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	file, err := dir.OpenFile(filepath.Base(path), os.O_RDWR|os.O_CREATE, 0o644)
	var at *fs.PathError
	if errors.As(err, &at) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: at.Err}
	}
	return file, err
}

// maxHolder is more than a process id and a host name take.
const maxHolder = 300

// holder returns ": process 42 on host", or "" where the file does not tell.
func holder(file *os.File) string {
	text, _ := io.ReadAll(io.NewSectionReader(file, 0, maxHolder))
	id, host, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if pid, err := strconv.Atoi(id); err != nil || pid <= 0 {
		return ""
	}
	if own, _ := os.Hostname(); host == "" || host == own {
		return ": process " + id
	}
	return fmt.Sprintf(": process %s on %q", id, host)
}

// Lost says whether the file that is locked is no longer the one at the path, as
// where its directory was deleted: then nobody is kept out.
func (l *Lock) Lost() bool {
	held, err := l.file.Stat()
	if err != nil {
		return true
	}
	there, err := os.Stat(l.path)
	return err != nil || !os.SameFile(held, there)
}

// Release gives the lock back and leaves the file.
func (l *Lock) Release() error { return l.file.Close() }
