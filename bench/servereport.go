package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteTo writes the result in Markdown.
func (r *ServeResult) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d connections where no other number is given, service and clients on the same processors:\n\n| | status | bytes | requests/s | median | 99 %% | most |\n|---|--:|--:|--:|--:|--:|--:|\n", r.Clients)
	for _, l := range r.Loads {
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f | %v | %v | %v |\n", l.Name, l.Status, l.Bytes, float64(len(l.Took))/l.For.Seconds(),
			short(quantile(l.Took, 0.5)), short(quantile(l.Took, 0.99)), short(quantile(l.Took, 1)))
	}
	fmt.Fprintf(&b, "\n- %d clients asked for a fresh picture within a second: %d grab(s).\n", r.Crowd, r.Grabs)
	fmt.Fprintf(&b, "- Of a stream held open a keyframe as JPEG, 1920x1080: median %v, most %v, of %d.\n", short(quantile(r.Fresh, 0.5)), short(quantile(r.Fresh, 1)), len(r.Fresh))
	fmt.Fprintf(&b, "- %d viewers of MJPEG: %d reception(s), memory %.1f MB, before %.1f MB: %.1f kB each.\n",
		r.Viewers, r.Streams, float64(r.Viewing)/1e6, float64(r.Idle)/1e6, float64(r.Viewing-r.Idle)/1e3/float64(max(1, r.Viewers)))
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
