package file

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/kfgrab/kfgrab/fetch"
	"github.com/kfgrab/kfgrab/internal/meter"
)

// limitedReader bounds and counts what is read of r.
type limitedReader struct {
	r         io.Reader
	left, max int64
	meter     *meter.Counter
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("%w of %d bytes (--max-bytes)", fetch.ErrBudget, l.max)
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	if l.meter != nil {
		l.meter.AddDown(n)
	}
	return n, err
}

// SetReadDeadline passes on to readers that have it.
func (l *limitedReader) SetReadDeadline(t time.Time) error {
	if d, ok := l.r.(deadliner); ok {
		return d.SetReadDeadline(t)
	}
	return nil
}

type deadliner interface{ SetReadDeadline(time.Time) error }

// interrupt makes the end of ctx end a read that waits. The caller calls stop
// when it reads no more.
func interrupt(ctx context.Context, r io.Reader) (stop func()) {
	d, ok := r.(deadliner)
	if !ok {
		return func() {}
	}
	past := time.Unix(1, 0)
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		d.SetReadDeadline(past)
		close(done)
	})
	return func() {
		if !cancel() {
			<-done
			d.SetReadDeadline(time.Time{})
		}
	}
}

// spool lets data that come forward only be read at any place, by keeping all of
// them: for MP4, whose index may stand behind its samples. The source's budget
// bounds it.
type spool struct {
	r    io.Reader
	held []byte
	err  error
}

func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	for s.err == nil && int64(len(s.held)) < off+int64(len(p)) {
		s.more(int(off) + len(p) - len(s.held))
	}
	if off >= int64(len(s.held)) {
		return 0, s.err
	}
	n := copy(p, s.held[off:])
	if n < len(p) {
		return n, s.err
	}
	return n, nil
}

// spoolStep is the least that is read at once.
const spoolStep = 64 << 10

func (s *spool) more(n int) {
	at := len(s.held)
	s.held = append(s.held, make([]byte, max(spoolStep, min(n, 1<<20)))...)
	read, err := s.r.Read(s.held[at:])
	s.held, s.err = s.held[:at+read], err
}
