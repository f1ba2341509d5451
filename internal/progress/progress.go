// Package progress draws a line of progress on a terminal. It is internal to kfgrab.
//
// Call [New], [Bar.Update] as work gets done, and [Bar.Close]. It does not check whether its
// writer is a terminal.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// barWidth is the number of cells of the bar.
const barWidth = 40

// Bar is one line of a terminal. It is safe for concurrent use.
type Bar struct {
	mu sync.Mutex
	w  io.Writer
}

// New returns a bar that is drawn at the first Update.
func New(w io.Writer) *Bar { return &Bar{w: w} }

// Update draws that done of total things of that name are done.
func (b *Bar) Update(done, total int, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	filled := barWidth * done / max(1, total)
	fmt.Fprintf(b.w, "\r%d/%d [%s%s] %s\x1b[K", done, total, strings.Repeat("=", filled), strings.Repeat("-", barWidth-filled), what)
}

// Close ends the line.
func (b *Bar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.w)
}
