package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/units"
)

// RTSPResults are the results of MeasureRTSP.
type RTSPResults struct {
	Began    time.Time
	Versions map[string]string
	LeftOut  map[string]string // missing programs, by contestant
	Rows     []RTSPRow
}

// RTSPRow is a contestant's runs.
type RTSPRow struct {
	Contestant, Command string
	Runs                []RTSPRun
}

// RTSPRun is one picture.
type RTSPRun struct {
	Failure   string        // "" if the picture is good
	Down      int64         // bytes of RTSP and RTP to the contestant
	Wall, CPU time.Duration // of the command
	Wait      time.Duration // from the answer to PLAY to the end of the first keyframe; 0 if there was none
	KeyDown   int64         // bytes in that time
	After     time.Duration // from there to the command's end
	PSNR      float64       // against the most similar picture of the stream
}

// The targets for a grab over RTSP.
const (
	rtspBytesFactor = 1.05
	rtspBytesMore   = 4000
	rtspTimeMore    = 120 * time.Millisecond
	rtspCPU         = 15 * time.Millisecond
)

// WriteTo writes the report in Markdown.
func (r *RTSPResults) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# One picture over RTSP\n\nMeasured %s: %dx%d, 25 pictures a second, 2 Mbit/s, a keyframe every %v, from GStreamer's RTSP server over TCP\non loopback, the contestants in turn, starting at moments spread over the GOP.",
		r.Began.Format("2006-01-02"), rtspWidth, rtspHeight, rtspGOP)
	for i, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(&b, "%s%s", [...]string{" With ", ", "}[min(i, 1)], r.Versions[name])
	}
	if len(r.Versions) > 0 {
		b.WriteString(".")
	}
	for _, name := range slices.Sorted(maps.Keys(r.LeftOut)) {
		fmt.Fprintf(&b, " Left out: %s (%s is not installed).", name, r.LeftOut[name])
	}
	b.WriteString("\nBytes are those of RTSP and RTP, without TCP/IP headers. A picture is good if the server sent it.\n\n" +
		"| contestant | down, median | worst | time, median | worst | CPU, median | good |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		down, wall, cpu := row.sortedFigures(func(r RTSPRun) int64 { return r.Down }), row.sortedFigures(func(r RTSPRun) int64 { return int64(r.Wall) }), row.sortedFigures(func(r RTSPRun) int64 { return int64(r.CPU) })
		if len(down) == 0 {
			continue
		}
		last := len(down) - 1
		fmt.Fprintf(&b, "| %s | %s | %s | %.2f s | %.2f s | %d ms | %d of %d |\n", row.Contestant, units.FormatKilobytes(median(down)), units.FormatKilobytes(down[last]),
			time.Duration(median(wall)).Seconds(), time.Duration(wall[last]).Seconds(), time.Duration(median(cpu)).Milliseconds(), row.countGood(), len(down))
	}
	r.writeTargets(&b)
	b.WriteString("\n## Commands\n\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "- %s: `%s`\n", row.Contestant, row.Command)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// writeTargets compares kfgrab's runs with their targets.
func (r *RTSPResults) writeTargets(b *strings.Builder) {
	b.WriteString("\n## Targets\n\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		switch row.Contestant {
		case coldName:
			row.writeTarget(b, "bytes down, minus 1.05 times those from PLAY to the keyframe's end: at most 4 kB", func(r RTSPRun) (string, bool) {
				over := r.Down - int64(rtspBytesFactor*float64(r.KeyDown))
				return fmt.Sprintf("%d bytes", over), over <= rtspBytesMore
			})
			row.writeTarget(b, "time from the keyframe's end to the picture: at most 120 ms", func(r RTSPRun) (string, bool) {
				return r.After.Round(time.Millisecond).String(), r.After <= rtspTimeMore
			})
		case undecodedName:
			row.writeTarget(b, "CPU of a grab without decoding: at most 15 ms", func(r RTSPRun) (string, bool) {
				return r.CPU.Round(time.Millisecond / 10).String(), r.CPU <= rtspCPU
			})
		}
	}
}

func (row *RTSPRow) writeTarget(b *strings.Builder, what string, judge func(RTSPRun) (string, bool)) {
	met, all := 0, []string{}
	for _, r := range row.Runs {
		got, ok := judge(r)
		if ok {
			met++
		}
		all = append(all, got)
	}
	fmt.Fprintf(b, "- %s, %s: %d of %d runs (%s, in the order of the moments)\n", row.Contestant, what, met, len(all), strings.Join(all, ", "))
}

func (row *RTSPRow) sortedFigures(figure func(RTSPRun) int64) (list []int64) {
	for _, r := range row.Runs {
		list = append(list, figure(r))
	}
	slices.Sort(list)
	return list
}

func (row *RTSPRow) countGood() (n int) {
	for _, r := range row.Runs {
		if r.Failure == "" {
			n++
		}
	}
	return n
}
