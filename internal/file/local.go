package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/kfgrab/kfgrab/internal/meter"
	"github.com/kfgrab/kfgrab/internal/redact"
)

// openLocal opens the file at path. It refuses directories.
func openLocal(ctx context.Context, path string) (*os.File, fs.FileInfo, error) {
	defer releaseOpen(ctx, path)()
	f, err := os.Open(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		failed.Path = redact.URL(path) // it may be a mistyped address
	}
	if err != nil {
		return nil, nil, err
	}

	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("is a directory, not a video")}
	}

	if err == nil && ctx.Err() != nil { // a pipe may have opened only because of this
		err = context.Cause(ctx)
	}

	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// retryRelease is the interval of attempts to release a pipe that is being opened, after
// the end of the context.
const retryRelease = 5 * time.Millisecond

// releaseOpen ends the opening of a named pipe, which waits for a writer, when ctx ends:
// it opens the other end itself. The caller calls stop once the pipe is open.
func releaseOpen(ctx context.Context, path string) (stop func()) {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return func() {}
	}

	opened, done := make(chan struct{}), make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		for {
			if w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
				w.Close()
				return
			}
			select {
			case <-opened:
				return
			case <-time.After(retryRelease): // there was no reader yet
			}
		}
	})

	return func() {
		close(opened)
		if !cancel() {
			<-done
		}
	}
}

// localFile is a regular file. Its reads end with the context of one Keyframe, and are
// counted.
type localFile struct {
	ctx   context.Context
	f     io.ReaderAt
	size  int64
	meter *meter.Counter
}

func (f *localFile) Size() int64 { return f.size }

func (f *localFile) ReadAt(p []byte, off int64) (int, error) {
	if f.ctx.Err() != nil {
		return 0, context.Cause(f.ctx)
	}

	n, err := f.f.ReadAt(p, off)
	if f.meter != nil {
		f.meter.AddDown(n)
	}
	return n, err
}
