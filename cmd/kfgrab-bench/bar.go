package main

import (
	"io"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows how far the suite is.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	what     atomic.Value
}

func newBar(w io.Writer) *bar {
	b := &bar{progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(64))}
	b.what.Store("")
	b.bar = b.progress.AddBar(0,
		mpb.PrependDecorators(decor.CountersNoUnit("%d/%d ")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + b.what.Load().(string) })))
	return b
}

func (b *bar) tell(done, total int, what string) {
	b.what.Store(what)
	b.bar.SetTotal(int64(total), false)
	b.bar.SetCurrent(int64(done))
}

func (b *bar) close() {
	b.bar.Abort(false)
	b.progress.Wait()
}
