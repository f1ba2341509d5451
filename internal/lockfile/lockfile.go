// Package lockfile lets one process at a time use a directory or a file. It is
// internal to kfgrab: sinks and journals use it.
//
// Call [Acquire], and [Lock.Release] at the end. The kernel releases the lock when
// the process dies, so the file, which stays, locks no other process out. [Open] opens
// the files that are kept next to it. Where there is no flock(2), as on Windows,
// Acquire always succeeds.
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

// ErrHeld is wrapped by the error of [Acquire] if another process holds the lock.
var ErrHeld = errors.New("another process has the lock")

// errWouldBlock means that the lock is held.
var errWouldBlock = errors.New("would block")

// Lock is a lock that this process holds.
type Lock struct {
	file *os.File
	path string
}

// Acquire locks the file at path and creates it if necessary; its directory must
// exist. It does not wait: if another process, or another Lock of this process, holds
// the lock, the error names the process and wraps [ErrHeld].
func Acquire(path string) (*Lock, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}

	if err := tryFlock(file); err != nil {
		defer file.Close()
		if errors.Is(err, errWouldBlock) {
			return nil, fmt.Errorf("%w%s (%s)", ErrHeld, readHolder(file), path)
		}
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}

	// The holder's name is for people, so a full disk is no error.
	if file.Truncate(0) == nil {
		host, _ := os.Hostname()
		file.WriteAt(fmt.Appendf(nil, "%d %s\n", os.Getpid(), host), 0)
	}
	return &Lock{file, path}, nil
}

// Open opens the file at path for reading and writing and creates it if necessary;
// its directory must exist. A link out of that directory is an error: another user
// with write access could have planted it to have its target overwritten.
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

// maxHolder is more than a process ID and a host name take.
const maxHolder = 300

// readHolder returns ": process 42 on host", or "" if the file does not say.
func readHolder(file *os.File) string {
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

// Lost reports whether the locked file is no longer the one at the path, as after its
// directory was deleted. The lock then protects nothing.
func (l *Lock) Lost() bool {
	held, err := l.file.Stat()
	if err != nil {
		return true
	}
	found, err := os.Stat(l.path)
	return err != nil || !os.SameFile(held, found)
}

// Release releases the lock and leaves the file.
//
// Closing the file is not enough: a child process that is between fork and exec has
// a copy of the descriptor, and with it the lock.
func (l *Lock) Release() error { return errors.Join(unlockFile(l.file), l.file.Close()) }
