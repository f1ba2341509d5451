package decode

import (
	"errors"
	"strings"
)

// ErrNoFFmpeg is wrapped where there is no ffmpeg to run.
var ErrNoFFmpeg = errors.New("no ffmpeg: install it (apt install ffmpeg) or set KFGRAB_FFMPEG to its path")

// Error is a failure of the ffmpeg process, or of what it was given. It wraps
// keyframe.ErrCorrupt where ffmpeg found the picture damaged, ErrNoFFmpeg where
// it could not be run, and the cause of the context's end where that ended it.
type Error struct {
	// Stderr is what ffmpeg said of it, or "": at most a few lines, without
	// control characters, addresses in memory and repetitions.
	Stderr string
	Err    error
}

// Error returns one line.
func (e *Error) Error() string {
	s := "decode: " + e.Err.Error()
	if e.Stderr != "" {
		s += ": " + strings.ReplaceAll(e.Stderr, "\n", "; ")
	}
	return s
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }
