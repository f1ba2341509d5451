// Package progress draws how far a command is.
//
// Call [New] for the standard error of a terminal, [Bar.Tell] as things get done, and
// [Bar.Close]. What is no terminal is not for it.
package progress

import (
	"io"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Bar is a line of a terminal.
type Bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	what     atomic.Value
}

// New draws an empty bar.
func New(w io.Writer) *Bar {
	b := &Bar{progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(64))}
	b.what.Store("")
	b.bar = b.progress.AddBar(0,
		mpb.PrependDecorators(decor.CountersNoUnit("%d/%d ")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + b.what.Load().(string) })))
	return b
}

// Tell says how much is done, of how much, and what is being done.
func (b *Bar) Tell(done, total int, what string) {
	b.what.Store(what)
	b.bar.SetTotal(int64(total), false)
	b.bar.SetCurrent(int64(done))
}

// Close leaves the bar as it is, and returns when no more is drawn.
func (b *Bar) Close() {
	b.bar.Abort(false)
	b.progress.Wait()
}
