package fetch

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/kfgrab/kfgrab/keyframe"
)

// ErrBudget ends a job that has used up its bytes. It wraps keyframe.ErrNotFound.
var ErrBudget = fmt.Errorf("%w within the byte budget", keyframe.ErrNotFound)

// budget bounds the body bytes of one job.
type budget struct {
	max  int64
	used atomic.Int64
}

func (b *budget) bytesLeft() int64 { return b.max - b.used.Load() }

func (b *budget) spentError() error {
	return fmt.Errorf("%w of %d", ErrBudget, b.max)
}

// budgetReader charges the bytes read from a body. Once nothing is left it reads one
// more byte, because only that distinguishes a body's end from a spent budget.
type budgetReader struct {
	r      io.Reader
	budget *budget
}

func (r *budgetReader) Read(p []byte) (int, error) {
	left := r.budget.bytesLeft()
	p = p[:min(int64(len(p)), max(left, 1))]
	n, err := r.r.Read(p)
	r.budget.used.Add(int64(n))
	if left <= 0 && n > 0 {
		return 0, r.budget.spentError()
	}
	return n, err
}
