package decode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Decoder runs ffmpeg. Its zero value is ready, and calls may run at the same
// time.
type Decoder struct {
	// Path is the ffmpeg to run, a path or a name in PATH. Where it is empty,
	// the environment variable KFGRAB_FFMPEG is meant, else "ffmpeg".
	Path string
}

// Find returns the path of the ffmpeg that Decode runs. The error wraps
// ErrNoFFmpeg.
func (d *Decoder) Find() (string, error) {
	name := d.Path
	if name == "" {
		name = os.Getenv("KFGRAB_FFMPEG")
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

// Version returns the version that ffmpeg gives itself: "5.1.9-0+deb12u1", "7.1".
func (d *Decoder) Version(ctx context.Context) (string, error) {
	p, err := d.start(ctx, "", []string{"-hide_banner", "-version"})
	if err != nil {
		return "", err
	}
	out, err := p.finish(ctx)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(out), "\n")
	fields := strings.Fields(clean(line))
	if len(fields) < 3 || fields[0] != "ffmpeg" || fields[1] != "version" {
		return "", &Error{Err: errors.New("what was run is not ffmpeg: it does not tell its version")}
	}
	return fields[2], nil
}
