package decode

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// Decoder runs ffmpeg. Its zero value is ready, and calls may run at the same
// time.
type Decoder struct {
	// Path is the ffmpeg to run, a path or a name in PATH. Where it is empty, the
	// first of these is taken that there is: the file kfgrab-ffmpeg beside the
	// program's own, what the environment variable KFGRAB_FFMPEG names, the ffmpeg
	// within the program (build tag embedffmpeg), "ffmpeg" in PATH.
	Path string

	// Timeout is how long a process may take once it has what it is to decode. 0 is ten
	// seconds, and more for large and for many pictures: far more than is usual, for
	// machines that are slow or busy.
	Timeout time.Duration
}

// Embedded is what Find returns for the ffmpeg within the program.
const Embedded = "(embedded)"

// besideName never shadows the system's ffmpeg in a directory of PATH.
const besideName = "kfgrab-ffmpeg"

// Find returns the path of the ffmpeg that Decode runs, or Embedded. The error wraps
// ErrNoFFmpeg.
func (d *Decoder) Find() (string, error) {
	name := d.Path
	if name == "" {
		if path, err := beside(); err == nil {
			return path, nil
		}
		name = os.Getenv("KFGRAB_FFMPEG")
	}
	if name == "" && len(embedded) > 0 {
		return Embedded, nil
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
		return "", &Error{Err: fmt.Errorf("%w (%s: %w)", ErrNoFFmpeg, clean(name), err)}
	}
	return path, nil
}

func beside() (string, error) {
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
