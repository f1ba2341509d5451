package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// WatchOrigin is where the streams come from that are watched: live HLS in MPEG-TS.
type WatchOrigin struct {
	Stream string                     // URL of the master playlist; a query makes streams of it
	Media  func(rendition int) string // URL of a media playlist, the best being 0
}

// WatchCase is one measurement of kfgrab watch.
type WatchCase struct {
	Name    string
	Streams int
	Every   time.Duration
	For     time.Duration
	Args    []string // of the command
	// Rendition is the one that Args lead to.
	Rendition int
}

// WatchResult is what it took, the decoders included. Grabs are those behind each
// stream's first.
type WatchResult struct {
	WatchCase
	Grabs, Failed, Skipped int
	Fewest                 int           // grabs of a stream
	Longest                time.Duration // between two pictures of a stream
	CPU                    time.Duration // of all the time
	Wall                   time.Duration
	Memory                 []int64 // resident bytes at a tenth, two tenths … of the time
	Threads, Files         int     // at the end
	Bytes                  []int64 // of grabs
	Late, Took             []time.Duration
	Starts                 []int // in each second
	Floor                  int64 // bytes of a grab
}

// memorySamples is how often the process is looked at.
const memorySamples = 10

// MeasureWatch runs kfgrab watch against o.
func MeasureWatch(ctx context.Context, kfgrab string, o *WatchOrigin, c WatchCase) (*WatchResult, error) {
	dir, err := os.MkdirTemp("", "kfgrab-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &WatchResult{WatchCase: c}
	if r.Floor, err = o.measureFloor(ctx, c.Rendition); err != nil {
		return nil, err
	}
	log := filepath.Join(dir, "log")
	args := append([]string{
		"watch", "--every", c.Every.String(), "--dir", filepath.Join(dir, "shots"),
		"--per-host", "64", "--keep", "2", "--log-format", "json", "--log-file", log,
	}, c.Args...)
	for i := range c.Streams {
		args = append(args, fmt.Sprintf("cam%d=%s?stream=%d", i, o.Stream, i))
	}
	if err := r.runWatch(ctx, exec.CommandContext(ctx, kfgrab, args...)); err != nil {
		return nil, err
	}
	return r, r.readLog(log)
}

// runWatch has the command watch for the time, and looks at it now and then.
func (r *WatchResult) runWatch(ctx context.Context, cmd *exec.Cmd) error {
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(r.For / memorySamples)
	defer look.Stop()
	for range memorySamples {
		select {
		case err := <-ended:
			return fmt.Errorf("kfgrab watch ended: %w: %s", err, said.String())
		case <-ctx.Done():
			<-ended
			return context.Cause(ctx)
		case <-look.C:
			now := inspectProcess(cmd.Process.Pid)
			r.Memory = append(r.Memory, now.Memory)
			r.Threads, r.Files = now.Threads, now.Files
		}
	}
	r.Wall = time.Since(began)
	err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), <-ended)
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return err
}

// watchLine is a line of the log.
type watchLine struct {
	Time    time.Time `json:"time"`
	Message string    `json:"msg"`
	Name    string    `json:"name"`
	Outcome string    `json:"outcome"`
	Bytes   int64     `json:"bytes"`
	MS      int64     `json:"ms"`
	Late    int64     `json:"late_ms"`
	Runs    int       `json:"runs"`
}

// readLog takes in the log.
func (r *WatchResult) readLog(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	last, counts, seconds := map[string]time.Time{}, map[string]int{}, map[int64]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var l watchLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return err
		}
		if counts[l.Name] > 0 {
			r.Skipped += l.Runs
		}
		if l.Message != "grab" || l.Outcome == "abandoned" {
			continue
		}
		before, again := last[l.Name]
		last[l.Name] = l.Time
		if !again {
			continue
		}
		if l.Outcome != "ok" && l.Outcome != "unchanged" {
			r.Failed++
		}
		r.Grabs++
		counts[l.Name]++
		r.Longest = max(r.Longest, l.Time.Sub(before))
		r.Bytes = append(r.Bytes, l.Bytes)
		r.Late = append(r.Late, time.Duration(l.Late)*time.Millisecond)
		r.Took = append(r.Took, time.Duration(l.MS)*time.Millisecond)
		seconds[l.Time.Add(-time.Duration(l.MS)*time.Millisecond).Unix()]++
	}
	r.Fewest = r.Grabs
	for i := range r.Streams {
		r.Fewest = min(r.Fewest, counts[fmt.Sprintf("cam%d", i)])
	}
	for _, n := range seconds {
		r.Starts = append(r.Starts, n)
	}
	return nil
}

// measureFloor is what a grab of a stream takes at least that knows its rendition, on average:
// the media playlist, and a segment that it lists up to the end of its first keyframe.
func (o *WatchOrigin) measureFloor(ctx context.Context, rendition int) (int64, error) {
	address := o.Media(rendition)
	media, err := httpGet(ctx, address)
	if err != nil {
		return 0, err
	}
	base, err := url.Parse(address)
	if err != nil {
		return 0, err
	}
	var floors []int64
	for _, line := range strings.Fields(string(media)) {
		if strings.HasPrefix(line, "#") || !strings.HasSuffix(line, ".ts") {
			continue
		}
		u, err := base.Parse(line)
		if err != nil {
			return 0, err
		}
		segment, err := httpGet(ctx, u.String())
		if err != nil {
			return 0, err
		}
		for _, first := range keyframeUnits(tsUnits(segment))[:1] {
			floors = append(floors, newFloor([]Body{{"playlist", int64(len(media))}, {"keyframe", first.end}}, false, false).Wire)
		}
	}
	return meanOf(floors), nil
}

func httpGet(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func meanOf(values []int64) (of int64) {
	for _, v := range values {
		of += v
	}
	return of / int64(max(1, len(values)))
}

// quantile is the value that a share of the others is not above.
func quantile[T int | int64 | time.Duration](values []T, share float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

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
	row("bytes of a grab: mean, 99 %", "%d, %d", meanOf(r.Bytes), quantile(r.Bytes, 0.99))
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
