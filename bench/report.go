package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/units"
)

// Files names what WriteFiles writes. An empty name leaves a file out.
type Files struct {
	Report  string // for readers, in Markdown; standard output if empty
	Details string // every table, in Markdown
	Results string // every run, in JSON
	Chart   string // in PNG
}

// WriteFiles writes the results.
func (r *Results) WriteFiles(f Files) error {
	report := r.report(f)
	if f.Report == "" {
		fmt.Print(report)
	} else if err := os.WriteFile(f.Report, []byte(report), 0o644); err != nil {
		return err
	}

	if f.Details != "" {
		if err := os.WriteFile(f.Details, []byte(r.details()), 0o644); err != nil {
			return err
		}
	}

	if f.Results != "" {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", " ")
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			return err
		}
		if err := os.WriteFile(f.Results, b.Bytes(), 0o644); err != nil {
			return err
		}
	}

	if f.Chart != "" {
		return r.writeChart(f.Chart)
	}
	return nil
}

// ReadResults reads the JSON that WriteFiles writes.
func ReadResults(file string) (*Results, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &Results{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

const reportStart = `# Benchmarks

What one picture of a live HLS stream costs, with kfgrab and with other tools.

`

const reportTable = `## Bytes for one picture

*The least* is what nobody can do without: playlists, keyframe, HTTP and TCP headers.
*Again* is kfgrab's second picture of the same stream. *Best other tool* is the one
that downloaded least; a star means that its picture was not the newest one.

`

const reportEnd = `
Each figure is by itself the median of %d runs on %d CPUs, measured %s.
%s

Measure it yourself with ` + "`make bench`" + `, which writes this page. Other measurements:
[RTSP](docs/how-few-bytes.md#rtsp), [the decoder](docs/how-few-bytes.md#cpu-of-the-decoder),
[kfgrab watch](docs/watch.md#what-it-costs), [kfgrab serve](docs/serve.md#what-it-costs).
`

// report returns the page for readers.
func (r *Results) report(f Files) string {
	var b strings.Builder
	b.WriteString(reportStart)
	if f.Chart != "" {
		fmt.Fprintf(&b, "![Bar chart of the megabytes that each tool downloads for one picture](%s)\n\n", filepath.ToSlash(f.Chart))
	}

	r.writeBytes(&b)
	r.writeMachine(&b)
	r.writeBusy(&b)

	more := "The method and every figure are in the details."
	if f.Details != "" {
		more = fmt.Sprintf("[%[1]s](%[1]s) has the method, all tools, times with added latency, and the commands.", filepath.ToSlash(f.Details))
	}
	fmt.Fprintf(&b, reportEnd, r.Repeats, r.CPUs, r.Began.Format("2006-01-02"), more)
	return b.String()
}

// writeBytes writes a row for each case.
func (r *Results) writeBytes(b *strings.Builder) {
	b.WriteString(reportTable + "| stream | the least | kfgrab | again | best other tool | ffmpeg |\n|---|--:|--:|--:|--:|--:|\n")
	for _, c := range Cases() {
		rows := rowsOf(r.Rows, c.Name, 0)
		if len(rows) == 0 {
			continue
		}

		least, best := "–", "–"
		if cold := findRow(rows, c.Name, coldName, 0); cold != nil && cold.ok() {
			least = units.FormatKilobytes(cold.Median.Floor)
		}
		if other := bestOther(rows); other != nil {
			best = fmt.Sprintf("%s (%s)", units.FormatKilobytes(other.Median.Down), other.Contestant)
			if !other.Same {
				best += " *"
			}
		}
		fmt.Fprintf(b, "| %s | %s | **%s** | %s | %s | %s |\n", capitalise(c.What), least,
			downloaded(findRow(rows, c.Name, coldName, 0)), downloaded(findRow(rows, c.Name, againName, 0)), best,
			downloaded(findRow(rows, c.Name, masterName, 0)))
	}
}

// bestOther returns the row with the fewest bytes that is not kfgrab's, or nil.
func bestOther(rows []Row) *Row {
	var best *Row
	for i := range rows {
		row := &rows[i]
		if !row.ok() || strings.HasPrefix(row.Contestant, coldName) {
			continue
		}
		if best == nil || row.Median.Down < best.Median.Down {
			best = row
		}
	}
	return best
}

func downloaded(row *Row) string {
	if row == nil || !row.ok() {
		return "–"
	}
	return units.FormatKilobytes(row.Median.Down)
}

// writeMachine writes what the first case took of the machine.
func (r *Results) writeMachine(b *strings.Builder) {
	first := Cases()[0]
	fmt.Fprintf(b, "\n## Requests, time, CPU and memory\n\n%s.\n\n| tool | downloaded | requests | time | CPU | memory |\n|---|--:|--:|--:|--:|--:|\n", capitalise(first.What))
	for _, row := range rowsOf(r.Rows, first.Name, 0) {
		if m := row.Median; row.ok() {
			fmt.Fprintf(b, "| %s | %s | %d | %.2f s | %.2f s | %d MB |\n", row.Contestant,
				units.FormatKilobytes(m.Down), m.Requests, m.Wall.Seconds(), m.CPU.Seconds(), m.Memory/1_000_000)
		}
	}
}

// busyLoad is the load per CPU above which something else must have been running:
// the suite's own load is one or a little more.
const busyLoad = 1

func (r *Results) writeBusy(b *strings.Builder) {
	if r.Load[1] > busyLoad*float64(r.CPUs) {
		fmt.Fprintf(b, "\n**The machine was busy meanwhile** (load %.1f at its highest, on %d CPUs): times are longer than they\nwould be on an idle one. Bytes and requests do not depend on it.\n", r.Load[1], r.CPUs)
	}
}

const detailsStart = `# Benchmark details

All tables for [BENCHMARKS.md](../BENCHMARKS.md). [results.json](results.json) has
each single run.

`

const method = `
ffmpeg makes the streams: 1080p, 720p and 360p at 5.0, 2.5 and 0.8 Mbit/s, 6 s
segments, 2 s GOP, with sound, in a live playlist of 6 segments. The encoder does not
look ahead, as a camera's does not, and keyframes differ in size by about a tenth. If
they differ more, the ranges of a transport stream cost more.

Each run starts without a connection. Counting stops when nothing crosses the link any
more. Between runs the playlist moves on: each of three in turn has another newest
keyframe, and so another floor. Figures are medians, each by itself. CPU is the user and
system time of all processes; memory is that of the largest process.

*Picture* compares the result with the newest keyframe that the playlists show, as a
keyframe, a part or the start of a segment. *Newest* is that one, *another* an older
one, with its PSNR against the newest.

The floor is the least that a picture costs: the bodies listed, and for each answer of n
bytes, which includes a head of %d, ⌈n/%d⌉ × %d bytes of headers%s.

In case tls-h2, a contestant fails if it cannot be told to trust the certificate.
`

// details returns every table.
func (r *Results) details() string {
	var b strings.Builder
	b.WriteString(detailsStart)
	r.writeCircumstances(&b)
	r.writeTargets(&b)
	for _, c := range Cases() {
		writeCase(&b, &c, rowsOf(r.Rows, c.Name, 0))
	}
	r.writeLatencies(&b)
	r.writeCommands(&b)
	r.writeTuning(&b)
	return b.String()
}

func (r *Results) writeCircumstances(b *strings.Builder) {
	fmt.Fprintf(b, "Measured %s: %s. %d runs each, %d CPUs", r.Began.Format("2006-01-02"), r.Mode, r.Repeats, r.CPUs)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(b, ", %s", r.Versions[name])
	}
	b.WriteString(".\n")
	fmt.Fprintf(b, "The machine's load was %.1f at the start and %.1f at its highest, which includes the suite's own work.\n", r.Load[0], r.Load[1])
	r.writeBusy(b)
	for _, name := range slices.Sorted(maps.Keys(r.LeftOut)) {
		fmt.Fprintf(b, "\nLeft out: %s (%s is not installed).\n", name, r.LeftOut[name])
	}
	connection := fmt.Sprintf(", and %d for a new connection", connectionBytes)
	fmt.Fprintf(b, method, headBytes, segmentPayload, segmentOverhead, connection)
}

func (r *Results) writeTargets(b *strings.Builder) {
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
			got = formatNumber(t.Got)
		}
		fmt.Fprintf(b, "| %s | %s %s %s | %s | %s |\n", t.What, sign, formatNumber(t.Limit), t.Unit, got, tableCell(t.Result))
	}
}

func writeCase(b *strings.Builder, c *Case, rows []Row) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n", c.Name, capitalise(c.What))
	b.WriteString("| contestant | down | × floor | up | requests | time | CPU | memory | picture |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, r := range rows {
		m := r.Median
		if !r.ok() {
			fmt.Fprintf(b, "| %s | – | – | – | – | – | – | – | %s |\n", r.Contestant, tableCell(r.Status))
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %.2f | %s | %d | %.2f s | %.2f s | %d MB | %s |\n", r.Contestant,
			units.FormatKilobytes(m.Down), r.Ratio, units.FormatKilobytes(m.Up), m.Requests, m.Wall.Seconds(), m.CPU.Seconds(), m.Memory/1_000_000, describePicture(r))
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
		fmt.Fprintf(b, "- %s: %d bytes (%s)\n", floorName(r.Contestant), r.Floor.Wire, strings.Join(bodies, ", "))
	}
}

// floorName returns what the floor of a contestant is for.
func floorName(contestant string) string {
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

func describePicture(r Row) string {
	if r.Same {
		return fmt.Sprintf("newest (%.0f dB)", r.Median.PSNR)
	}
	return fmt.Sprintf("another (%.0f dB)", r.Median.PSNR)
}

func (r *Results) writeLatencies(b *strings.Builder) {
	all := append([]time.Duration{0}, Latencies...)
	title := "\n## Time with latency added\n\nThrough toxiproxy, which delays what the server sends, but not the handshakes.\n"
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
			fmt.Fprintf(b, "| %s |%s\n", first.Contestant, r.latencyCells(&first, all))
		}
	}
}

// latencyCells returns the cells with a contestant's times.
func (r *Results) latencyCells(first *Row, all []time.Duration) string {
	var cells string
	for _, d := range all {
		if row := findRow(r.Rows, first.Case, first.Contestant, d); row != nil && row.Status == okStatus {
			cells += fmt.Sprintf(" %.2f s |", row.Median.Wall.Seconds())
		} else {
			cells += " – |"
		}
	}
	return cells
}

func (r *Results) writeCommands(b *strings.Builder) {
	b.WriteString("\n## Commands\n\nMASTER and MEDIA are URLs; MEDIA is that of the 1080p playlist. CERTIFICATE is the TLS server's certificate.\n\n")
	seen := map[string]bool{}
	for _, row := range r.Rows {
		if !seen[row.Contestant] {
			seen[row.Contestant] = true
			fmt.Fprintf(b, "%s:\n\n```\n%s\n```\n\n", row.Contestant, row.Command)
		}
	}
}

func (r *Results) writeTuning(b *strings.Builder) {
	if len(r.Tuning) == 0 {
		return
	}
	b.WriteString("## Attempts to make ffmpeg spend less\n\nEach on the 1080p media playlist, for one picture without sound.\n\n| options | case | down | time | CPU | picture |\n|---|---|--:|--:|--:|---|\n")
	for _, row := range r.Tuning {
		if row.Status != okStatus {
			fmt.Fprintf(b, "| `%s` | %s | – | – | – | %s |\n", strings.TrimPrefix(row.Contestant, "ffmpeg "), row.Case, tableCell(row.Status))
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %.2f s | %.2f s | %s |\n", strings.TrimPrefix(row.Contestant, "ffmpeg "), row.Case,
			units.FormatKilobytes(row.Median.Down), row.Median.Wall.Seconds(), row.Median.CPU.Seconds(), describePicture(row))
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

func formatNumber(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", x), "0"), ".")
}

// maxCell limits how much of a contestant's error text goes into a table.
const maxCell = 120

// tableCell returns text as one cell of a table.
func tableCell(text string) string {
	text = strings.NewReplacer("|", "/", "\n", " ", "\r", " ").Replace(text)
	if r := []rune(text); len(r) > maxCell {
		text = string(r[:maxCell]) + "…"
	}
	return text
}

func capitalise(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
