package ts

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/kfgrab/kfgrab/keyframe"
)

// The end of a stream is read in steps back until it holds a keyframe. A step adds
// a fifth to what was read, so that at most that much is read in vain.
const (
	// firstStep holds a keyframe of 360p and what follows in half a second.
	firstStep = 48 << 10
	// leastStep costs about as much as the request for it.
	leastStep = 16 << 10
	stepParts = 5
	// maxTail bounds the memory. Budgets of bytes are smaller.
	maxTail = 64 << 20
)

// LastKeyframe returns the last keyframe of the size bytes of r, which may be a few
// less, as in encrypted data. It reads their end, each byte once. o may be nil. Errors are those of Reader.Keyframe.
func LastKeyframe(r io.ReaderAt, size int64, o *Options) (*keyframe.Frame, error) {
	var tail []byte
	var doubtful *keyframe.Frame
	for from, step := size, int64(firstStep); ; step = max(leastStep, int64(len(tail))/stepParts) {
		step = min(step, from)
		from -= step
		part := make([]byte, step, step+int64(len(tail)))
		n, err := io.ReadFull(io.NewSectionReader(r, from, step), part)
		if tail == nil && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)) {
			err = nil
		}
		switch {
		case err != nil && doubtful != nil && errors.Is(err, keyframe.ErrNotFound): // the end of a budget
			return doubtful, nil
		case err != nil:
			return nil, err
		}
		tail = append(part[:n], tail...)

		last, sure, err := readLast(NewReader(bytes.NewReader(tail), o))
		whole := from == 0
		switch {
		case last != nil && (sure || whole):
			return last, nil
		case whole, err != nil && !errors.Is(err, keyframe.ErrNotFound) && !errors.Is(err, keyframe.ErrCorrupt):
			return nil, err
		case len(tail) >= maxTail:
			return nil, fmt.Errorf("%w in the last %d bytes", keyframe.ErrNotFound, len(tail))
		}
		doubtful = last
	}
}

// readLast reads r to its end. Without a keyframe, it returns what ended it. An
// all-intra picture without a promise counts only if there is nothing else, and one that
// may be cut short only if there is no whole one. sure says that nothing better can come
// before: of a better candidate, or an IDR picture before the first all-intra one.
func readLast(r *Reader) (last *keyframe.Frame, sure bool, err error) {
	intra := 0
	for {
		f, err := r.Keyframe()
		switch {
		case err != nil && last != nil:
			sure = last.Kind != keyframe.Intra || intra > 1
			return last, sure && r.demux.surely, nil
		case err != nil:
			return nil, false, err
		case f.Kind != keyframe.Intra:
			last = f
			continue
		}

		intra++
		if last == nil || (last.Kind == keyframe.Intra && !f.OpenEnd) {
			last = f
		}
	}
}
