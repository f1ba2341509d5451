package watch

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/event"
)

// Result is how a run ended.
type Result uint8

// The results.
const (
	Stored    Result = iota
	Unchanged        // the keyframe is the last one, or the picture does not differ enough
	Failed           // Outcome.Err is the cause
	Abandoned        // Run ended before the grab
)

// String returns a lower-case word.
func (r Result) String() string {
	names := [...]string{"ok", "unchanged", "failed", "abandoned"}
	if int(r) >= len(names) {
		return fmt.Sprintf("Result(%d)", uint8(r))
	}
	return names[r]
}

// Why is the reason for the result Unchanged.
type Why string

// The reasons.
const (
	NoNewerKeyframe Why = "the playlist has nothing newer"
	SameKeyframe    Why = "the keyframe is the one of the last picture"
	SimilarPicture  Why = "the picture differs too little from the last one"
)

// Outcome is the result of one run.
type Outcome struct {
	Name   string
	Result Result
	Why    Why   // of Unchanged
	Err    error // of Failed and Abandoned
	Files  []string
	Size   int // of the picture in bytes

	Due     time.Time     // zero for Once
	Began   time.Time     // after the gate
	Elapsed time.Duration // since Began
	Taken   time.Time     // zero without a keyframe
	// MediaTime is when the scene was, zero if unknown.
	MediaTime time.Time

	Cost kfgrab.Cost // of the grab, even of a failed one
	// Segment is the size of the segment that the keyframe is from, 0 if unknown.
	Segment int64

	Missed  int // earlier runs that this one makes up for
	Skipped int // runs that were due during this one
}

// Class returns the class of the error, kfgrab.OK without one.
func (o *Outcome) Class() kfgrab.Class { return kfgrab.ClassOf(o.Err) }

// Age returns how old the scene was when it was taken, and whether that is known.
func (o *Outcome) Age() (age time.Duration, ok bool) {
	if o.MediaTime.IsZero() || o.Taken.IsZero() {
		return 0, false
	}
	return o.Taken.Sub(o.MediaTime), true
}

// Word returns the word for the result, or the class of a failure.
func (o *Outcome) Word() string {
	if o.Result == Failed {
		return o.Class().String()
	}
	return o.Result.String()
}

// GrabMessage is the message of a grab's log line.
const GrabMessage = "grab"

// logTo writes the line of a run, and a second one if runs were skipped.
func (o *Outcome) logTo(ctx context.Context, l *slog.Logger) {
	attrs := []slog.Attr{slog.String("name", o.Name), slog.String("outcome", o.Word()), slog.Int64("bytes", o.Cost.Down)}
	if age, ok := o.Age(); ok {
		attrs = append(attrs, slog.Float64("age", float64(age.Milliseconds())/1000))
	}
	attrs = append(attrs, slog.Int64("ms", o.Elapsed.Milliseconds()))
	if !o.Due.IsZero() {
		attrs = append(attrs, slog.Int64("late_ms", o.Began.Sub(o.Due).Milliseconds()))
	}
	if o.Why != "" {
		attrs = append(attrs, slog.String("why", string(o.Why)))
	}
	for _, file := range o.Files {
		attrs = append(attrs, slog.String("file", file))
	}
	if o.Missed > 0 {
		attrs = append(attrs, slog.Int("missed", o.Missed))
	}

	level := slog.LevelInfo
	if o.Result == Failed {
		level = slog.LevelWarn
	}
	if o.Err != nil {
		attrs = append(attrs, slog.String("error", o.Err.Error()))
	}
	l.LogAttrs(ctx, level, GrabMessage, attrs...)

	if o.Skipped > 0 {
		l.LogAttrs(ctx, slog.LevelWarn, "skipped: the previous grab took too long",
			slog.String("name", o.Name), slog.Int("runs", o.Skipped))
	}
}

// Status is the state of a stream since the start of the process.
type Status struct {
	Name    string
	URL     string // without credentials
	Running bool   // or waiting at the gate
	Next    time.Time
	Last    Outcome   // of the last run, the zero value before the first
	Stored  time.Time // when the last stored picture was taken, zero for none
	Scene   time.Time // when its scene was, zero if unknown

	Runs, Failures int64
	// Outage has the failures since the last success, even of earlier processes.
	Outage event.Outage
	Down   int64 // bytes
}

func (s *Status) addOutcome(o *Outcome) {
	s.Running = false
	s.Last = *o
	s.Down += o.Cost.Down
	if o.Result == Abandoned {
		return
	}
	s.Runs++
	if o.Result == Failed {
		s.Failures++
		return
	}
	if o.Result == Stored {
		s.Stored, s.Scene = o.Taken, o.MediaTime
	}
}

// Totals are sums over all streams, including removed ones.
type Totals struct {
	Runs, Stored, Unchanged, Failures int64
	Skipped, Missed                   int64
	Down, Up                          int64 // bytes

	// Segments is the size of the segments that keyframes were taken from. OfSegments is
	// what those grabs fetched.
	Segments, OfSegments int64
}

func (t *Totals) addOutcome(o *Outcome) {
	t.Down += o.Cost.Down
	t.Up += o.Cost.Up
	t.Skipped += int64(o.Skipped)
	t.Missed += int64(o.Missed)
	switch o.Result {
	case Abandoned:
		return
	case Stored:
		t.Stored++
	case Unchanged:
		t.Unchanged++
	case Failed:
		t.Failures++
	}
	t.Runs++
	if o.Segment > 0 {
		t.Segments += o.Segment
		t.OfSegments += o.Cost.Down
	}
}

// Saving returns the share of the segments' bytes that was not fetched, from 0 to 1, and
// whether any segment's size is known.
func (t *Totals) Saving() (share float64, ok bool) {
	if t.Segments <= 0 {
		return 0, false
	}
	return max(0, 1-float64(t.OfSegments)/float64(t.Segments)), true
}

// Statuses returns the status of each stream, in the order of names.
func (w *Watcher) Statuses() []Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]Status, 0, len(w.watched))
	for _, name := range slices.Sorted(maps.Keys(w.watched)) {
		s := *w.watched[name].status
		s.Next = w.plan.Next(name)
		all = append(all, s)
	}
	return all
}

// Totals returns the sums over all streams.
func (w *Watcher) Totals() Totals {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.totals
}
