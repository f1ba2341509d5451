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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kfgrab/kfgrab/internal/meter"
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
	if r.Floor, err = o.floor(ctx, c.Rendition); err != nil {
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
	if err := r.run(ctx, exec.CommandContext(ctx, kfgrab, args...)); err != nil {
		return nil, err
	}
	return r, r.read(log)
}

// run has the command watch for the time, and looks at it now and then.
func (r *WatchResult) run(ctx context.Context, cmd *exec.Cmd) error {
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
			now := lookAt(cmd.Process.Pid)
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

// read takes in the log.
func (r *WatchResult) read(path string) error {
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

// floor is what a grab of a stream takes at least that knows its rendition, on average:
// the media playlist, and a segment that it lists up to the end of its first keyframe.
func (o *WatchOrigin) floor(ctx context.Context, rendition int) (int64, error) {
	address := o.Media(rendition)
	media, err := get(ctx, address)
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
		segment, err := get(ctx, u.String())
		if err != nil {
			return 0, err
		}
		for _, first := range keys(tsUnits(segment))[:1] {
			floors = append(floors, newFloor([]Body{{"playlist", int64(len(media))}, {"keyframe", first.end}}, false, false).Wire)
		}
	}
	return mean(floors), nil
}

func get(ctx context.Context, address string) ([]byte, error) {
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

// LoopRow is one way to take a picture of each of some streams, again and again.
type LoopRow struct {
	Name     string
	Pictures int
	Down     int64
	CPU      time.Duration
}

// pythonLoop is what kfgrab watch replaces. Its arguments are a directory, a number of
// rounds and URLs.
const pythonLoop = `
import subprocess, sys, time, os
folder, rounds, urls = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
for _ in range(rounds):
    for i, url in enumerate(urls):
        name = time.strftime("%Y%m%d-%H%M%S") + "-%d.jpg" % i
        subprocess.run(["ffmpeg", "-nostdin", "-y", "-i", url, "-frames:v", "1", os.path.join(folder, name)],
                       timeout=30, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
`

// CompareLoop has the loop and kfgrab watch take rounds of pictures of the same streams,
// and counts what comes through a proxy in front of the origin.
func CompareLoop(ctx context.Context, kfgrab string, o *WatchOrigin, streams, rounds int, every time.Duration) ([]LoopRow, error) {
	dir, err := os.MkdirTemp("", "kfgrab-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	u, err := url.Parse(o.Stream)
	if err != nil {
		return nil, err
	}
	count := &meter.Counter{}
	proxy, err := countingProxy("127.0.0.1:0", u.Host, count)
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	u.Host = proxy.Addr().String()
	var urls, named []string
	for i := range streams {
		stream := fmt.Sprintf("%s?stream=%d", u, i)
		urls, named = append(urls, stream), append(named, fmt.Sprintf("cam%d=%s", i, stream))
	}
	loop := exec.CommandContext(ctx, "python3", append([]string{"-c", pythonLoop, dir, strconv.Itoa(rounds)}, urls...)...)
	once := append([]string{"watch", "--once", "--repeat", "--log-file", filepath.Join(dir, "once.log"), "--dir", filepath.Join(dir, "once")}, named...)
	watch := append([]string{"watch", "--every", every.String(), "--repeat", "--log-file", filepath.Join(dir, "watch.log"), "--dir", filepath.Join(dir, "watch")}, named...)
	var rows []LoopRow
	for _, c := range []struct {
		name string
		cmd  *exec.Cmd
		stop time.Duration // after which it is told to end
	}{
		{"Python loop, `ffmpeg -i URL -frames:v 1`", loop, 0},
		{"`kfgrab watch --once`", exec.CommandContext(ctx, kfgrab, once...), 0},
		{"`kfgrab watch --every " + every.String() + "`", exec.CommandContext(ctx, kfgrab, watch...), time.Duration(rounds) * every},
	} {
		row, err := runLoop(c.name, c.cmd, c.stop, count)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	rows[0].Pictures = countPictures(dir)
	rows[1].Pictures = countPictures(filepath.Join(dir, "once"))
	rows[2].Pictures = countPictures(filepath.Join(dir, "watch"))
	return rows, nil
}

func runLoop(name string, cmd *exec.Cmd, stop time.Duration, count *meter.Counter) (LoopRow, error) {
	before := count.Read()
	if err := cmd.Start(); err != nil {
		return LoopRow{}, err
	}
	if stop > 0 {
		end := time.AfterFunc(stop, func() { cmd.Process.Signal(syscall.SIGTERM) }) //nolint:errcheck // it may have ended
		defer end.Stop()
	}
	err := cmd.Wait()
	return LoopRow{
		Name: name, Down: count.Read().Sub(before).Down, CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
	}, err
}

// countPictures counts those that kfgrab or the loop named after a time.
func countPictures(dir string) int {
	n := 0
	for _, pattern := range []string{"*.jpg", "*/2*/*.jpg"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		n += len(found)
	}
	return n
}

func mean(values []int64) (of int64) {
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
