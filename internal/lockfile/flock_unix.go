//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package lockfile

import (
	"os"
	"syscall"
)

// tryFlock also works on NFS, where Linux turns it into a lock on the server.
func tryFlock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EWOULDBLOCK:
			return errWouldBlock
		case nil:
			return nil
		}
		return err
	}
}

func unlockFile(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
