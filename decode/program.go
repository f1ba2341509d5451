package decode

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// program returns the file to run for what Find found, and what to call when it runs
// and again when it has ended.
func program(path string) (file string, release func(), err error) {
	if path != Embedded {
		return path, func() {}, nil
	}
	if file, err := inMemory(); err == nil {
		return file, func() {}, nil
	}
	return inFile()
}

// inFile writes the embedded ffmpeg to a file that only this user can reach. A file
// that runs can be removed on some systems.
func inFile() (file string, release func(), err error) {
	dir, err := os.MkdirTemp("", "kfgrab-ffmpeg-") // mode 0700
	if err == nil {
		file = filepath.Join(dir, "ffmpeg.exe")
		// A child that starts meanwhile would hold the file open for writing, and such a
		// file does not run.
		syscall.ForkLock.RLock()
		err = os.WriteFile(file, embedded, 0o700)
		syscall.ForkLock.RUnlock()
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, &Error{Err: fmt.Errorf("there is no place for the embedded ffmpeg: %w", pathless(err))}
	}
	return file, func() { os.RemoveAll(dir) }, nil
}
