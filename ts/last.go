package ts

import (
	"errors"
	"io"

	"github.com/kfgrab/kfgrab/keyframe"
)

// lastWindow is how much of the end is looked through first; it grows fourfold
// until it holds a keyframe. A GOP of two seconds at 1 Mbit/s has 250 kB.
const lastWindow = 256 << 10

// Last returns the last keyframe of the size bytes of r, whose end it reads. o may
// be nil. Errors are those of Reader.Keyframe.
func Last(r io.ReaderAt, size int64, o *Options) (*keyframe.Frame, error) {
	for window := int64(lastWindow); ; window *= 4 {
		from := max(0, size-window)
		last, err := lastOf(NewReader(io.NewSectionReader(r, from, size-from), o))
		switch {
		case last != nil && (last.Kind != keyframe.Intra || from == 0):
			return last, nil
		case from == 0, err != nil && !errors.Is(err, keyframe.ErrNotFound) && !errors.Is(err, keyframe.ErrCorrupt):
			return nil, err
		}
	}
}

// lastOf reads r to its end, and returns what ended it where there is no keyframe.
// A last-resort picture counts only where nothing else is found.
func lastOf(r *Reader) (last *keyframe.Frame, err error) {
	for {
		f, err := r.Keyframe()
		switch {
		case err != nil && last != nil:
			return last, nil
		case err != nil:
			return nil, err
		}
		if f.Kind != keyframe.Intra || last == nil {
			last = f
		}
	}
}
