package bench

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kfgrab/kfgrab/internal/meter"
)

// LoopRow is one way to take pictures of several streams repeatedly.
type LoopRow struct {
	Name     string
	Pictures int
	Down     int64
	CPU      time.Duration
}

// pythonLoop is a script that kfgrab watch replaces. Its arguments are a directory, a
// number of rounds, and URLs.
const pythonLoop = `
import subprocess, sys, time, os
folder, rounds, urls = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
for _ in range(rounds):
    for i, url in enumerate(urls):
        name = time.strftime("%Y%m%d-%H%M%S") + "-%d.jpg" % i
        subprocess.run(["ffmpeg", "-nostdin", "-y", "-i", url, "-frames:v", "1", os.path.join(folder, name)],
                       timeout=30, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
`

// CompareLoop lets the loop and kfgrab watch take rounds of pictures of the same streams,
// and counts their bytes in a proxy in front of the origin.
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
		stop time.Duration // time until SIGTERM; 0 waits for the end
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

// countPictures counts the pictures that kfgrab or the loop named after a time.
func countPictures(dir string) int {
	n := 0
	for _, pattern := range []string{"*.jpg", "*/2*/*.jpg"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		n += len(found)
	}
	return n
}

// WriteLoop writes the rows of CompareLoop in Markdown, per picture.
func WriteLoop(w io.Writer, streams, rounds int, rows []LoopRow) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Compared with a loop\n\n%d streams, %d rounds (`--once`: one)\n\n| | pictures | bytes of one | CPU of one |\n|---|--:|--:|--:|\n", streams, rounds)
	for _, r := range rows {
		n := max(1, r.Pictures)
		fmt.Fprintf(&b, "| %s | %d | %d kB | %d ms |\n", r.Name, r.Pictures, r.Down/int64(n)/1000, r.CPU.Milliseconds()/int64(n))
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}
