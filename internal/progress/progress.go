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
	"time"
)

// barWidth is the number of cells of the bar.
const barWidth = 40

// Bar is one line of a terminal. It is safe for concurrent use.
type Bar struct {
	mu    sync.Mutex
	w     io.Writer
	began time.Time
}

// New returns a bar that is drawn at the first Update. The work begins now.
func New(w io.Writer) *Bar { return &Bar{w: w, began: time.Now()} }

// Update draws that done of total things of that name are done, how fast, and how long
// the rest will take at that rate.
func (b *Bar) Update(done, total int, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	filled := barWidth * done / max(1, total)
	fmt.Fprintf(b.w, "\r%d/%d [%s%s] %s%s\x1b[K", done, total, strings.Repeat("=", filled), strings.Repeat("-", barWidth-filled),
		what, describePace(done, total, time.Since(b.began)))
}

// describePace returns the rate and the time that is left, "" as long as nothing is
// known.
func describePace(done, total int, elapsed time.Duration) string {
	if done <= 0 || elapsed <= 0 {
		return ""
	}
	text := fmt.Sprintf(", %.1f/s", float64(done)/elapsed.Seconds())
	if done < total {
		left := elapsed * time.Duration(total-done) / time.Duration(done)
		text += fmt.Sprintf(", %v left", max(time.Second, left.Round(time.Second)))
	}
	return text
}

// Close ends the line.
func (b *Bar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.w)
}
