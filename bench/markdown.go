package bench

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/units"
)

// busy is the load a CPU above which others must have been at work: a run of the
// suite has it at one or a little more.
const busy = 1

const preface = `# Benchmarks

What one picture of a live HLS stream costs, with kfgrab and with other tools.
Written by ` + "`make bench`" + `; the same figures, each run by itself, are in
[bench/results.json](bench/results.json).

`

const method = `
The streams are made by ffmpeg: 1080p, 720p and 360p at 5.0, 2.5 and 0.8 Mbit/s,
6 s segments, 2 s GOP, with sound, a live playlist of 6 segments without an end.
They are encoded without looking ahead, as cameras do, and their keyframes differ by
a tenth or so: where they differ more, the ranges of a transport stream cost more.
A run begins without a connection, and the count goes on until nothing crosses the
link any more. The playlist moves on between runs: each of three in turn has another
newest keyframe, and a floor of its own. Figures are medians, each of itself. CPU is user and system time of
all processes; memory is that of the largest process. What comes with it is the
picture: *newest* is the newest keyframe that the playlists list as a keyframe, a
part or a segment's beginning; *another* is one that is older, by its PSNR against
the newest.

The floor is what the picture cannot be had without: the bodies below, and for each
answer of n bytes with a head of %d, ⌈n/%d⌉ × %d bytes of headers%s.
`

// markdown is the report; chart is the chart's file, if there is one.
func (r *Results) markdown(chart string) string {
	var b strings.Builder
	b.WriteString(preface)
	if chart != "" {
		fmt.Fprintf(&b, "![bytes for one picture, by contestant](%s)\n\n", filepath.ToSlash(chart))
	}
	r.circumstances(&b)
	r.targetTable(&b)
	for _, c := range Cases() {
		caseTable(&b, &c, rowsOf(r.Rows, c.Name, 0))
	}
	r.latencyTables(&b)
	r.commands(&b)
	r.tuningTable(&b)
	return b.String()
}

func (r *Results) circumstances(b *strings.Builder) {
	fmt.Fprintf(b, "Measured %s: %s. %d runs each, %d CPUs", r.Began.Format("2006-01-02"), r.Mode, r.Repeats, r.CPUs)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(b, ", %s", r.Versions[name])
	}
	b.WriteString(".\n")
	fmt.Fprintf(b, "The machine's load was %.1f at the beginning and %.1f at its highest, the suite's own work included.\n", r.Load[0], r.Load[1])
	if r.Load[1] > busy*float64(r.CPUs) {
		fmt.Fprintf(b, "\n**The machine was busy meanwhile** (load %.1f at its highest, on %d CPUs): times are longer than they\nwould be by themselves. Bytes and requests do not depend on it.\n", r.Load[1], r.CPUs)
	}
	for _, name := range slices.Sorted(maps.Keys(r.LeftOut)) {
		fmt.Fprintf(b, "\nLeft out: %s (%s is not installed).\n", name, r.LeftOut[name])
	}
	connection := fmt.Sprintf(", and %d for a new connection", connectionBytes)
	fmt.Fprintf(b, method, headBytes, segmentPayload, segmentOverhead, connection)
}

func (r *Results) targetTable(b *strings.Builder) {
	b.WriteString("\n## Targets\n\n| what | wanted | measured | |\n|---|---|---|---|\n")
	for _, t := range r.Targets {
		sign, got := "≤", "–"
		switch {
		case t.Unit == "times fewer bytes":
			sign = "≥"
		case t.Unit == "s":
			sign = "<"
		}
		if t.Got != 0 {
			got = number(t.Got)
		}
		fmt.Fprintf(b, "| %s | %s %s %s | %s | %s |\n", t.What, sign, number(t.Limit), t.Unit, got, cell(t.Result))
	}
}

func caseTable(b *strings.Builder, c *Case, rows []Row) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n", c.Name, capital(c.What))
	b.WriteString("| contestant | down | × floor | up | requests | time | CPU | memory | picture |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, r := range rows {
		m := r.Median
		if len(r.Runs) == 0 || r.Status != okStatus {
			fmt.Fprintf(b, "| %s | – | – | – | – | – | – | – | %s |\n", r.Contestant, cell(r.Status))
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %.2f | %s | %d | %.2f s | %.2f s | %d MB | %s |\n", r.Contestant,
			units.FormatKilobytes(m.Down), r.Ratio, units.FormatKilobytes(m.Up), m.Requests, m.Wall.Seconds(), m.CPU.Seconds(), m.Memory/1_000_000, shown(r))
	}
	b.WriteString("\nFloors of the first run:\n")
	seen := map[int64]bool{}
	for _, r := range rows {
		if seen[r.Floor.Wire] {
			continue
		}
		seen[r.Floor.Wire] = true
		var bodies []string
		for _, body := range r.Floor.Bodies {
			bodies = append(bodies, fmt.Sprintf("%s %d", body.What, body.Bytes))
		}
		fmt.Fprintf(b, "- %s: %d bytes (%s)\n", floorFor(r.Contestant), r.Floor.Wire, strings.Join(bodies, ", "))
	}
}

// floorFor says whose floor a contestant's is.
func floorFor(contestant string) string {
	switch contestant {
	case againName:
		return "second grab"
	case smallName:
		return "320 pixels"
	case directName:
		return "from the media playlist on"
	}
	return "one picture"
}

func shown(r Row) string {
	if r.Same {
		return fmt.Sprintf("newest (%.0f dB)", r.Median.PSNR)
	}
	return fmt.Sprintf("another (%.0f dB)", r.Median.PSNR)
}

func (r *Results) latencyTables(b *strings.Builder) {
	all := append([]time.Duration{0}, Latencies...)
	title := "\n## Time with latency added\n\nBehind toxiproxy, which delays what the server sends, but no handshake.\n"
	for _, name := range delayedCases {
		if len(rowsOf(r.Rows, name, Latencies[0])) == 0 {
			continue
		}
		fmt.Fprintf(b, "%s\n| case %s |", title, name)
		title = ""
		for _, d := range all {
			fmt.Fprintf(b, " %v |", d)
		}
		b.WriteString("\n|---|" + strings.Repeat("--:|", len(all)) + "\n")
		for _, first := range rowsOf(r.Rows, name, 0) {
			fmt.Fprintf(b, "| %s |%s\n", first.Contestant, r.times(&first, all))
		}
	}
}

// times are the cells of a contestant's times.
func (r *Results) times(first *Row, all []time.Duration) string {
	var cells string
	for _, d := range all {
		if row := find(r.Rows, first.Case, first.Contestant, d); row != nil && row.Status == okStatus {
			cells += fmt.Sprintf(" %.2f s |", row.Median.Wall.Seconds())
		} else {
			cells += " – |"
		}
	}
	return cells
}

func (r *Results) commands(b *strings.Builder) {
	b.WriteString("\n## Commands\n\nMASTER and MEDIA are URLs, the latter of the 1080p playlist. CERTIFICATE is the TLS server's certificate.\n\n")
	seen := map[string]bool{}
	for _, row := range r.Rows {
		if !seen[row.Contestant] {
			seen[row.Contestant] = true
			fmt.Fprintf(b, "%s:\n\n```\n%s\n```\n\n", row.Contestant, row.Command)
		}
	}
}

func (r *Results) tuningTable(b *strings.Builder) {
	if len(r.Tuning) == 0 {
		return
	}
	b.WriteString("## What was tried to make ffmpeg spend less\n\nEach on the 1080p media playlist, for one picture without sound.\n\n| options | case | down | time | CPU | picture |\n|---|---|--:|--:|--:|---|\n")
	for _, row := range r.Tuning {
		if row.Status != okStatus {
			fmt.Fprintf(b, "| `%s` | %s | – | – | – | %s |\n", strings.TrimPrefix(row.Contestant, "ffmpeg "), row.Case, cell(row.Status))
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %.2f s | %.2f s | %s |\n", strings.TrimPrefix(row.Contestant, "ffmpeg "), row.Case,
			units.FormatKilobytes(row.Median.Down), row.Median.Wall.Seconds(), row.Median.CPU.Seconds(), shown(row))
	}
}

// rowsOf returns the rows of one case.
func rowsOf(rows []Row, caseName string, latency time.Duration) []Row {
	var out []Row
	for _, r := range rows {
		if r.Case == caseName && r.Latency == latency {
			out = append(out, r)
		}
	}
	return out
}

func number(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", x), "0"), ".")
}

// maxCell bounds what a contestant's complaint takes of a table.
const maxCell = 120

// cell makes text fit for a table.
func cell(text string) string {
	text = strings.NewReplacer("|", "/", "\n", " ", "\r", " ").Replace(text)
	if r := []rune(text); len(r) > maxCell {
		text = string(r[:maxCell]) + "…"
	}
	return text
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
