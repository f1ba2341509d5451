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

// WatchOrigin is the origin of the watched streams: live HLS in MPEG-TS.
type WatchOrigin struct {
	Stream string                     // URL of the master playlist; with queries it stands for many streams
	Media  func(rendition int) string // URL of a media playlist; 0 is the best
}

// WatchCase is one measurement of kfgrab watch.
type WatchCase struct {
	Name    string
	Streams int
	Every   time.Duration
	For     time.Duration
	Args    []string // further arguments
	// Rendition is the rendition that Args select.
	Rendition int
}

// WatchResult is what a case cost, including decoders. The first grab of each stream does
// not count.
type WatchResult struct {
	WatchCase
	Grabs, Failed, Skipped int
	Fewest                 int           // grabs of one stream
	Longest                time.Duration // between two pictures of one stream
	CPU                    time.Duration // in all
	Wall                   time.Duration
	Memory                 []int64 // resident bytes at each tenth of the time
	Threads, Files         int     // at the end
	Bytes                  []int64 // of grabs
	Late, Took             []time.Duration
	Starts                 []int // number in each second
	Floor                  int64 // least bytes of a grab
}

// memorySamples is the number of samples of the process.
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

// runWatch runs the command for the time of the case and samples it.
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

// watchLine is one line of the log.
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

// readLog reads the log.
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

// measureFloor returns the least that a repeated grab costs, on average: the media
// playlist, and a segment up to the end of its first keyframe.
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

// quantile returns the value below which a share of the values lies.
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
	row("grabs after each stream's first", "%d", r.Grabs)
	row("failed, skipped", "%d, %d", r.Failed, r.Skipped)
	row("fewest of one stream, longest time between two", "%d, %v", r.Fewest, r.Longest.Round(time.Millisecond))
	row("CPU of one core", "%.1f %%", 100*r.CPU.Seconds()/r.Wall.Seconds())
	row("CPU of a grab", "%.2f ms", 1000*r.CPU.Seconds()/float64(max(1, r.Grabs+r.Streams)))
	row("bytes of a grab: mean, 99 %", "%d, %d", meanOf(r.Bytes), quantile(r.Bytes, 0.99))
	row("the floor: playlist and keyframe, mean", "%d", r.Floor)
	row("delay of the start: median, 99 %, longest", "%v, %v, %v", quantile(r.Late, 0.5), quantile(r.Late, 0.99), quantile(r.Late, 1))
	row("duration: median, 99 %, longest", "%v, %v, %v", quantile(r.Took, 0.5), quantile(r.Took, 0.99), quantile(r.Took, 1))
	row("starts per second: median, 99 %, most", "%d, %d, %d", quantile(r.Starts, 0.5), quantile(r.Starts, 0.99), quantile(r.Starts, 1))
	var memory []string
	for _, m := range r.Memory {
		memory = append(memory, fmt.Sprintf("%.0f", float64(m)/1e6))
	}
	row("memory at each tenth of the time in MB", "%s", strings.Join(memory, " "))
	row("threads, open files at the end", "%d, %d", r.Threads, r.Files)
	b.WriteString("\n")
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
