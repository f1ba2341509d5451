package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteTo writes the result in Markdown.
func (r *WatchResult) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%d streams, every %v, for %v: `kfgrab watch %s`\n\n| | |\n|---|--:|\n",
		r.Name, r.Streams, r.Every, r.For, strings.Join(r.Args, " "))
	row := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | "+format+" |\n", append([]any{what}, args...)...)
	}
	row("grabs behind each stream's first", "%d", r.Grabs)
	row("failed, skipped", "%d, %d", r.Failed, r.Skipped)
	row("fewest of a stream, longest time between two", "%d, %v", r.Fewest, r.Longest.Round(time.Millisecond))
	row("CPU of one core", "%.1f %%", 100*r.CPU.Seconds()/r.Wall.Seconds())
	row("CPU of a grab", "%.2f ms", 1000*r.CPU.Seconds()/float64(max(1, r.Grabs+r.Streams)))
	row("bytes of a grab: mean, 99 %", "%d, %d", mean(r.Bytes), quantile(r.Bytes, 0.99))
	row("the floor: playlist and keyframe, mean", "%d", r.Floor)
	row("behind its time: median, 99 %, most", "%v, %v, %v", quantile(r.Late, 0.5), quantile(r.Late, 0.99), quantile(r.Late, 1))
	row("takes: median, 99 %, most", "%v, %v, %v", quantile(r.Took, 0.5), quantile(r.Took, 0.99), quantile(r.Took, 1))
	row("starts in a second: median, 99 %, most", "%d, %d, %d", quantile(r.Starts, 0.5), quantile(r.Starts, 0.99), quantile(r.Starts, 1))
	var memory []string
	for _, m := range r.Memory {
		memory = append(memory, fmt.Sprintf("%.0f", float64(m)/1e6))
	}
	row("memory at each tenth of the time, MB", "%s", strings.Join(memory, " "))
	row("threads, open files at the end", "%d, %d", r.Threads, r.Files)
	b.WriteString("\n")
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// WriteLoop writes what CompareLoop found in Markdown, for each picture.
func WriteLoop(w io.Writer, streams, rounds int, rows []LoopRow) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Beside a loop\n\n%d streams, %d rounds (of `--once`: one)\n\n| | pictures | bytes of one | CPU of one |\n|---|--:|--:|--:|\n", streams, rounds)
	for _, r := range rows {
		n := max(1, r.Pictures)
		fmt.Fprintf(&b, "| %s | %d | %d kB | %d ms |\n", r.Name, r.Pictures, r.Down/int64(n)/1000, r.CPU.Milliseconds()/int64(n))
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}
