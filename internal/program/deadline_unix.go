//go:build unix

package program

import (
	"os"
	"syscall"
)

// WithDeadlines returns another file for the pipe f, whose reads and writes have deadlines.
func WithDeadlines(f *os.File) (*os.File, error) {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
