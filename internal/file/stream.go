package file

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/internal/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
)

// maxEmptyReads is how often in a row a reader may return neither data nor an error.
const maxEmptyReads = 100

// limitedReader bounds and counts what is read from r, for one Keyframe after another.
type limitedReader struct {
	r         io.Reader
	ctx       context.Context // of the Keyframe that reads
	left, max int64
	meter     *meter.Counter
}

// beginRead resets the budget, and ends a waiting read when ctx ends. The caller calls
// stop when it has finished reading.
func (l *limitedReader) beginRead(ctx context.Context) (stop func()) {
	l.ctx, l.left = ctx, l.max
	d, ok := l.r.(interface{ SetReadDeadline(time.Time) error })
	if !ok {
		return func() {}
	}

	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		d.SetReadDeadline(time.Unix(1, 0)) // long past
		close(done)
	})

	return func() {
		if !cancel() {
			<-done
			d.SetReadDeadline(time.Time{})
		}
	}
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("%w of %d bytes", fetch.ErrBudget, l.max)
	}
	p = p[:min(int64(len(p)), l.left)]

	for range maxEmptyReads {
		if l.ctx.Err() != nil {
			return 0, context.Cause(l.ctx)
		}
		n, err := l.r.Read(p)
		l.left -= int64(n)
		if l.meter != nil {
			l.meter.AddDown(n)
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}
