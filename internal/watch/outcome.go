package watch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/kfgrab/kfgrab"
)

// Result is how a run ended.
type Result uint8

// The results.
const (
	Stored    Result = iota
	Unchanged        // the keyframe is the last one, or the picture does not differ enough
	Failed           // Outcome.Err says why
	Abandoned        // the end of Run came before that of the run
)

// String returns a word in lower case.
func (r Result) String() string {
	names := [...]string{"ok", "unchanged", "failed", "abandoned"}
	if int(r) >= len(names) {
		return fmt.Sprintf("Result(%d)", uint8(r))
	}
	return names[r]
}

// Outcome is what became of one run.
type Outcome struct {
	Name   string
	Result Result
	Err    error // of Failed and Abandoned
	Files  []string
	Size   int // of the picture in bytes

	Due     time.Time     // zero for Once
	Began   time.Time     // behind the gate
	Elapsed time.Duration // since then
	Taken   time.Time     // zero where there is no keyframe
	// MediaTime is when the scene was, zero where the stream does not tell.
	MediaTime time.Time

	Cost kfgrab.Cost // of the grab, whether it failed or not
	// Segment is the size of the whole segment that the keyframe is from, 0 where unknown.
	Segment int64

	Missed  int // runs that this one makes up for
	Skipped int // runs that came due while it went on
}

// Class sorts the error: kfgrab.OK where there is none.
func (o *Outcome) Class() kfgrab.Class { return kfgrab.ClassOf(o.Err) }

// Age is how old the scene was when it was taken; false where the stream does not tell.
func (o *Outcome) Age() (age time.Duration, ok bool) {
	if o.MediaTime.IsZero() || o.Taken.IsZero() {
		return 0, false
	}
	return o.Taken.Sub(o.MediaTime), true
}

// Word is Result's, or of a failure its class.
func (o *Outcome) Word() string {
	if o.Result == Failed {
		return o.Class().String()
	}
	return o.Result.String()
}

// GrabMessage is the message of a grab's line in the log.
const GrabMessage = "grab"

// logTo writes the line of a run, and one more where some were skipped.
func (o *Outcome) logTo(ctx context.Context, l *slog.Logger) {
	attrs := []slog.Attr{slog.String("name", o.Name), slog.String("outcome", o.Word()), slog.Int64("bytes", o.Cost.Down)}
	if age, ok := o.Age(); ok {
		attrs = append(attrs, slog.Float64("age", float64(age.Milliseconds())/1000))
	}
	attrs = append(attrs, slog.Int64("ms", o.Elapsed.Milliseconds()))
	if !o.Due.IsZero() {
		attrs = append(attrs, slog.Int64("late_ms", o.Began.Sub(o.Due).Milliseconds()))
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
		l.LogAttrs(ctx, slog.LevelWarn, "skipped: the grab before took too long",
			slog.String("name", o.Name), slog.Int("runs", o.Skipped))
	}
}
