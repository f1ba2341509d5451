package fmp4

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/kfgrab/kfgrab/keyframe"
)

const (
	// windowBytes is how much is read for a box header. It holds most moof boxes (3.3
	// kB for 6 s of 25 pictures a second) and the head of the mdat box after it, so
	// that a segment takes one read for the index and one for the sample.
	windowBytes = 4 << 10

	// stepBytes bounds what is allocated before the bytes come, if the size of the file
	// is unknown.
	stepBytes = 1 << 20
)

// window reads ascending parts of a file. It reads no byte twice if each part overlaps
// or touches the one before.
type window struct {
	r    io.ReaderAt
	size int64 // -1 while unknown
	buf  []byte
	off  int64
}

// readAt returns the n bytes at off, fewer only at the end of the data. If it has to
// read, it reads at least ahead bytes. The slice is valid until the next call.
func (w *window) readAt(off int64, n, ahead int) ([]byte, error) {
	have := w.off + int64(len(w.buf))
	if off < w.off || off > have {
		w.buf, w.off, have = w.buf[:0], off, off
	}
	if off+int64(n) > have {
		w.buf = w.buf[:copy(w.buf, w.buf[off-w.off:])]
		w.off = off
		if err := w.fillTo(max(n, ahead), n); err != nil {
			return nil, err
		}
	}

	from := off - w.off
	to := min(from+int64(n), int64(len(w.buf)))
	return w.buf[min(from, to):to], nil
}

// fillTo reads until the window has want bytes, or to the end of the data. An error is
// returned only if the window has fewer than need bytes.
func (w *window) fillTo(want, need int) error {
	for len(w.buf) < want {
		end := w.off + int64(want)
		if w.size >= 0 {
			end = min(end, w.size)
		} else {
			end = min(end, w.off+int64(len(w.buf)+max(stepBytes, len(w.buf))))
		}
		missing := int(end - w.off - int64(len(w.buf)))
		if missing <= 0 {
			return nil
		}

		n := len(w.buf)
		w.growBy(missing)
		got, err := w.r.ReadAt(w.buf[n:], w.off+int64(n))
		w.buf = w.buf[:n+max(got, 0)]
		switch {
		case got == missing:
		case err == nil || errors.Is(err, io.EOF):
			w.size = w.off + int64(len(w.buf))
			return nil
		case len(w.buf) >= need:
			return nil // the error comes again when those bytes are needed
		default:
			return err
		}
	}
	return nil
}

// growBy makes w.buf longer by n bytes.
func (w *window) growBy(n int) {
	if size := len(w.buf) + n; cap(w.buf) < size {
		w.buf = append(make([]byte, 0, size), w.buf...)
	}
	w.buf = w.buf[:len(w.buf)+n]
}

// releaseBytes gives the n bytes at off, which readAt returned last, to the caller. It
// copies a few; for many, it copies instead what the window has after them.
func (w *window) releaseBytes(off int64, n int) []byte {
	from := int(off - w.off)
	b := w.buf[from : from+n : from+n]
	if n <= windowBytes {
		return slices.Clone(b)
	}
	w.off, w.buf = off+int64(n), slices.Clone(w.buf[from+n:])
	return b
}

// readWhole is readAt for a part that must be there from end to end.
func (w *window) readWhole(what string, off, n int64, ahead int) ([]byte, error) {
	if w.size >= 0 && off+n > w.size {
		return nil, truncatedError(what, off+n-max(w.size, 0))
	}
	b, err := w.readAt(off, int(n), ahead)
	if err != nil {
		return nil, err
	}
	if missing := n - int64(len(b)); missing > 0 {
		return nil, truncatedError(what, missing)
	}
	return b, nil
}

func truncatedError(what string, missing int64) error {
	return fmt.Errorf("%w: %s is cut short, %d bytes of it are missing", keyframe.ErrCorrupt, what, missing)
}
