//go:build linux || darwin || freebsd || netbsd || openbsd

package program

import (
	"fmt"
	"syscall"
)

// checkAccess returns an error if this process may not write to path.
func checkAccess(path string) error {
	const write = 2 // W_OK of access(2)
	if err := syscall.Access(path, write); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
