package decode

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/kfgrab/kfgrab/decode/internal/ffmpeg"
)

// embeddedPath is what Find returns for the ffmpeg inside the program.
const embeddedPath = "(embedded)"

// besideName differs from "ffmpeg" so that it never shadows the system's in a directory
// of PATH.
const besideName = "kfgrab-ffmpeg"

// Find returns the path of the ffmpeg that Decode runs, or "(embedded)" for the one
// inside the program. The error wraps ErrNoFFmpeg.
func (d *Decoder) Find() (string, error) {
	name := d.Path
	if name == "" {
		if path, err := findBeside(); err == nil {
			return path, nil
		}
		name = os.Getenv("KFGRAB_FFMPEG")
	}
	if name == "" && len(embedded) > 0 {
		return embeddedPath, nil
	}
	if name == "" {
		name = "ffmpeg"
	}

	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		var e *exec.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return "", &Error{Err: fmt.Errorf("%w (%s: %w)", ErrNoFFmpeg, printable(name), err)}
	}
	return path, nil
}

// findBeside looks next to the running program.
func findBeside() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}

	name := besideName
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return exec.LookPath(filepath.Join(filepath.Dir(self), name))
}

// programFile returns the file to run for a result of Find, and a function to call
// when it runs and again when it has ended.
func programFile(found string) (file string, release func(), err error) {
	if found != embeddedPath {
		return found, func() {}, nil
	}
	if file, err := embeddedInMemory(); err == nil {
		return file, func() {}, nil
	}
	return embeddedInFile()
}

// embeddedInFile writes the embedded ffmpeg to a file that only this user can reach.
// Some systems can remove a file that runs.
func embeddedInFile() (file string, release func(), err error) {
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
		return "", nil, &Error{Err: fmt.Errorf("cannot write the embedded ffmpeg to a temporary file: %w", ffmpeg.WithoutPath(err))}
	}
	return file, func() { os.RemoveAll(dir) }, nil
}
