package decode

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// embeddedInMemory returns the path of the embedded ffmpeg in memory, which the kernel
// frees when this program and its children have ended. It fails if there is no memfd or
// no /proc, or if programs may not run from memory (vm.memfd_noexec).
//
// The path names this process: in the child, the descriptor's number may belong to
// another file.
var embeddedInMemory = sync.OnceValues(func() (string, error) {
	fd, err := unix.MemfdCreate("kfgrab-ffmpeg", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3, all of them can be run
		fd, err = unix.MemfdCreate("kfgrab-ffmpeg", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return "", err
	}

	for rest := embedded; len(rest) > 0 && err == nil; {
		var n int
		n, err = unix.Write(fd, rest)
		rest = rest[max(n, 0):]
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}

	path := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
	if err == nil {
		_, err = os.Stat(path)
	}

	if err != nil {
		unix.Close(fd)
		return "", err
	}
	return path, nil
})
