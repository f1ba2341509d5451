package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/watch"
)

const (
	redrawInterval = time.Second // the smallest unit that the table shows

	// tableWarnings is how many of the last warnings are shown below the table.
	tableWarnings = 3
	maxNameWidth  = 24
	barWidth      = 12
	bottomLines   = 2 // an empty line and the totals
)

// table shows the state of the streams on a terminal.
type table struct {
	out   *os.File
	drawn int // number of lines on the screen

	mu       sync.Mutex
	warnings []string
}

// showUntilDone draws until ctx is done or the terminal has gone. It leaves the last state.
func (t *table) showUntilDone(ctx context.Context, w *watch.Watcher) {
	// Without wrapping, lines with wide characters take one row, too.
	const hideCursor, showCursor = "\x1b[?25l\x1b[?7l", "\x1b[?25h\x1b[?7h"
	io.WriteString(t.out, hideCursor)
	defer io.WriteString(t.out, showCursor)

	turn := time.NewTicker(redrawInterval)
	defer turn.Stop()

	for t.drawLines(w) == nil && ctx.Err() == nil {
		select {
		case <-turn.C:
		case <-ctx.Done():
		}
	}
}

// drawLines writes the new lines over the old ones.
func (t *table) drawLines(w *watch.Watcher) error {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil || width < 20 || height < 5 {
		width, height = 80, 24
	}
	t.mu.Lock()
	lines := tableLines(w.Statuses(), w.Totals(), t.warnings, height-1, time.Now())
	t.mu.Unlock()

	var b bytes.Buffer
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", min(t.drawn, height-1))
	}

	for _, line := range lines {
		b.WriteString(truncate(line, width-1))
		b.WriteString("\x1b[K\r\n")
	}
	b.WriteString("\x1b[J")
	t.drawn = len(lines)
	_, err = t.out.Write(b.Bytes())
	return err
}

// tableLines returns at most height lines. Streams that fail come first if not all fit.
func tableLines(all []watch.Status, totals watch.Totals, warnings []string, height int, now time.Time) []string {
	room := max(1, height-1-bottomLines-len(warnings))
	shown, more := all, 0
	if len(all) > room {
		shown = slices.Clone(all)
		slices.SortStableFunc(shown, func(a, b watch.Status) int { return b.Outage.Failures - a.Outage.Failures })
		shown, more = shown[:room-1], len(all)-room+1
	}

	nameWidth := len("NAME")

	for i := range shown {
		nameWidth = min(max(nameWidth, utf8.RuneCountInString(shown[i].Name)), maxNameWidth)
	}

	lines := []string{fmt.Sprintf("%-*s  %9s  %-*s  %9s  %6s  %s", nameWidth, "NAME", "PICTURE", barWidth+7, "NEXT", "BYTES", "FAILED", "LAST")}

	for i := range shown {
		lines = append(lines, tableLine(&shown[i], nameWidth, now))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	lines = append(lines, "", totalsLine(len(all), totals))
	return append(lines, warnings...)
}

func tableLine(s *watch.Status, nameWidth int, now time.Time) string {
	name := truncate(neterror.OneLine(s.Name), nameWidth)
	picture := "-"
	switch {
	case !s.Scene.IsZero():
		picture = shortDuration(now.Sub(s.Scene)) + " old"
	case !s.Stored.IsZero():
		picture = shortDuration(now.Sub(s.Stored)) + " ago"
	}
	return fmt.Sprintf("%-*s  %9s  %s  %9s  %6d  %s", nameWidth, name, picture, nextRunText(s, now), bytesText(s.Down), s.Failures, lastRunText(s))
}

// truncate shortens text to width characters.
func truncate(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// nextRunText returns a bar that fills up until the next run, and the time until then.
func nextRunText(s *watch.Status, now time.Time) string {
	switch {
	case s.Running:
		return strings.Repeat("█", barWidth) + fmt.Sprintf("%-7s", " now")
	case s.Next.IsZero():
		return fmt.Sprintf("%-*s", barWidth+7, "-")
	}

	left := max(0, s.Next.Sub(now))
	filled := 0
	if whole := s.Next.Sub(s.Last.Began); !s.Last.Began.IsZero() && whole > 0 {
		filled = min(barWidth, int(barWidth*(whole-left)/whole))
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", barWidth-filled) + fmt.Sprintf(" %-6s", shortDuration(left))
}

func lastRunText(s *watch.Status) string {
	o := &s.Last
	switch {
	case o.Began.IsZero():
		return ""
	case o.Err != nil:
		return o.Word() + ": " + strings.TrimPrefix(neterror.OneLine(o.Err.Error()), s.URL+": ")
	}
	if o.Why != "" {
		return fmt.Sprintf("%s: %s", o.Word(), o.Why)
	}
	return fmt.Sprintf("%s, %s in %d ms", o.Word(), bytesText(o.Cost.Down), o.Elapsed.Milliseconds())
}

func totalsLine(streams int, t watch.Totals) string {
	text := fmt.Sprintf("%d streams, %d pictures", streams, t.Stored)
	if t.Unchanged > 0 {
		text += fmt.Sprintf(", %d unchanged", t.Unchanged)
	}
	text += fmt.Sprintf(", %d failures; %s", t.Failures, bytesText(t.Down))
	if share, ok := t.Saving(); ok {
		text += fmt.Sprintf(", whole segments %s (%.1f %% saved)", bytesText(t.Segments), 100*share)
	}
	return text
}

// shortDuration returns a time in its two largest units, such as 3m05s.
func shortDuration(d time.Duration) string {
	d = max(0, d.Round(time.Second))
	s, m, h := int(d.Seconds()), int(d.Minutes()), int(d.Hours())

	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", s)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", m, s%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", h, m%60)
	}
	return fmt.Sprintf("%dd", h/24)
}

// bytesText returns a number of bytes with a prefix of powers of 1000.
func bytesText(n int64) string {
	switch v := float64(n); {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case v < 1e6:
		return fmt.Sprintf("%.1f kB", v/1e3)
	case v < 1e9:
		return fmt.Sprintf("%.1f MB", v/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// warningHandler passes all records on, and warnings to the table, too. Those of single grabs
// have a line there anyway.
type warningHandler struct {
	slog.Handler
	table *table
}

func (h *warningHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.Handler.Enabled(ctx, level)
}

func (h *warningHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && r.Message != watch.GrabMessage {
		h.table.addWarning(r)
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (t *table) addWarning(r slog.Record) {
	text := r.Time.Format(time.TimeOnly) + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			text += ": " + a.Value.String()
		} else {
			text += " " + a.Key + "=" + a.Value.String()
		}
		return true
	})

	t.mu.Lock()
	defer t.mu.Unlock()
	t.warnings = append(t.warnings, neterror.OneLine(text))
	if extra := len(t.warnings) - tableWarnings; extra > 0 {
		t.warnings = slices.Delete(t.warnings, 0, extra)
	}
}
