// Package watch grabs a picture of each of many streams again and again, on a schedule,
// and stores it. It is internal to kfgrab: kfgrab watch uses it.
//
// Call [New], [Watcher.Set] with the streams, which may be called again at any time, then
// [Watcher.Run], or [Watcher.Once] for a single round, and [Watcher.Close] at the end.
// [Watcher.Statuses] and [Watcher.Totals] report progress.
//
//   - Each stream keeps its kfgrab.Stream, so that a grab is one playlist and one range.
//     All streams share a decode.Pool.
//   - Package schedule decides when streams are due and how many run at once. A stream
//     that hangs has its timeout and its place at the gate, and delays no other.
//   - A stream that fails is opened again for the next attempt.
//   - The same picture is not stored twice: neither what was due before a restart, with
//     [Options.State], nor the keyframe of the last picture, without [Stream.Repeats].
//   - When its context is done, Run starts nothing more and gives running grabs
//     [Options.Grace] to end.
//
// [Options.Logger] gets a line for each grab, and there is no other output. Reading a
// configuration is in package config, files and their retention are in package sink.
package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// DefaultGrace is shorter than the time that supervisors allow before they kill.
const DefaultGrace = 5 * time.Second

// Options are the settings of a Watcher. The zero value works.
type Options struct {
	Limits schedule.Limits // 0 means that of schedule.DefaultLimits
	// Grace is the time that running grabs have at the end of Run.
	Grace time.Duration
	// State is the path of a file that keeps the schedule over restarts; "" for none.
	// Only one Watcher at a time can use it.
	State   string
	Decoder decode.Decoder // which ffmpeg to run
	// Decoders bounds the number of decoders; 0 means the number of processors.
	Decoders int
	// Logger gets a line for each grab, a warning if it failed. May be nil.
	Logger *slog.Logger
}

// Watcher watches many streams. Its methods are safe for concurrent use.
type Watcher struct {
	opt  Options
	pool decode.Pool
	// decoder is pool, with a queue of its own before it.
	decoder *queuedDecoder
	gate    *schedule.Gate
	log     *slog.Logger
	now     func() time.Time
	wake    chan struct{} // the plan has changed
	runs    sync.WaitGroup

	mu      sync.Mutex
	plan    schedule.Schedule
	watched map[string]*watched
	// leaving has the streams that are gone and still run. Each channel is closed at
	// the end of the run.
	leaving map[*watched]chan struct{}
	journal *journal
	totals  Totals
}

// watched is a stream with its status.
type watched struct {
	*engine
	status *Status // shared with the stream that it replaced, as long as that runs
	busy   bool
	gone   bool // removed or replaced
}

// New reads the state and starts nothing. Errors are about the file of the state.
func New(o *Options) (*Watcher, error) {
	w := &Watcher{
		now: time.Now, wake: make(chan struct{}, 1),
		watched: map[string]*watched{}, leaving: map[*watched]chan struct{}{},
	}
	if o != nil {
		w.opt = *o
	}
	w.opt.Grace = cmp.Or(w.opt.Grace, DefaultGrace)
	if w.log = w.opt.Logger; w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.pool.Decoder = w.opt.Decoder
	w.pool.Size = cmp.Or(w.opt.Decoders, runtime.GOMAXPROCS(0))
	w.decoder = newQueuedDecoder(&w.pool, w.pool.Size)
	w.gate = schedule.NewGate(withDefaults(w.opt.Limits))

	if w.opt.State != "" {
		var err error
		if w.journal, err = openJournal(w.opt.State, w.now()); err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
	}
	return w, nil
}

// Set replaces the watched streams by these. A stream that does not change keeps its
// connection and its place in the schedule. One of which only the rule changes keeps its
// connection. A running grab goes on with the sinks and hooks that it has; AwaitReplaced
// waits until they can be closed.
//
// After an error, which wraps kfgrab.ErrUsage or names the stream, nothing has changed.
func (w *Watcher) Set(streams []Stream) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	next, err := w.prepareStreams(streams)
	if err != nil {
		return err
	}

	for name, old := range w.watched {
		if next[name] == nil {
			w.plan.Remove(name)
			w.log.Info("removed", "name", name)
		}
		if next[name] != old {
			w.retireStream(old)
		}
	}

	for _, s := range streams {
		added, old := next[s.Name], w.watched[s.Name]
		added.Rule = s.Rule
		if err := w.plan.Set(w.now(), s.Name, s.Rule, w.journal.recordOf(s.Name).State); err != nil {
			return fmt.Errorf("stream %q: %w", s.Name, err) // prepareStreams has checked it
		}
		w.plan.SetRetry(s.Name, s.Retry)
		switch {
		case old == nil:
			w.logStream("added", added)
		case old != added:
			old.status.URL, added.status = added.status.URL, old.status
			w.logStream("changed", added)
		}
	}

	w.watched = next
	w.wakeRun()
	return nil
}

// logStream writes a line about a stream of the configuration.
func (w *Watcher) logStream(message string, s *watched) {
	attrs := []any{"name", s.Name, "url", s.status.URL}
	if !s.Rule.Never() {
		attrs = append(attrs, "rule", s.Rule.String())
	}
	w.log.Info(message, attrs...)
}

// prepareStreams returns the streams by name. It keeps those that have not changed.
func (w *Watcher) prepareStreams(streams []Stream) (map[string]*watched, error) {
	next := make(map[string]*watched, len(streams))
	for _, s := range streams {
		switch {
		case s.Name == "":
			return nil, errors.New("a stream has no name")
		case next[s.Name] != nil:
			return nil, fmt.Errorf("two streams have the name %q", s.Name)
		}
		if err := s.Rule.Validate(); err != nil {
			return nil, fmt.Errorf("stream %q: %w", s.Name, err)
		}

		if old := w.watched[s.Name]; old != nil && old.isSame(s) {
			next[s.Name] = old
			continue
		}
		if err := s.Retry.Validate(); err != nil {
			return nil, fmt.Errorf("stream %q: %w", s.Name, err)
		}
		before := w.journal.recordOf(s.Name)
		e, err := newEngine(s, w.decoder, before.Keyframe)
		if err != nil {
			return nil, err
		}
		next[s.Name] = &watched{engine: e, status: &Status{Name: s.Name, URL: e.source.URL(), Outage: before.Outage}}
	}
	return next, nil
}

// isSame reports whether s is the engine's stream, except for the rule. It compares sinks
// and hooks by identity, because other goroutines may be changing them.
func (e *engine) isSame(s Stream) bool {
	if !slices.EqualFunc(e.Sinks, s.Sinks, isIdentical[Sink]) || !slices.EqualFunc(e.Hooks, s.Hooks, isIdentical[Hook]) {
		return false
	}
	s.Rule, s.Sinks, s.Hooks = e.Rule, e.Sinks, e.Hooks
	return reflect.DeepEqual(e.Stream, s)
}

// isIdentical returns a == b, or false for values that Go cannot compare.
func isIdentical[T any](a, b T) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && any(a) == any(b)
}

// retireStream closes a stream, after its run if one is going on.
func (w *Watcher) retireStream(s *watched) {
	if s.gone = true; s.busy {
		w.leaving[s] = make(chan struct{})
		return
	}
	s.closeSource()
}

// AwaitReplaced waits until the streams that Set has changed or removed run no more. The
// sinks and hooks that only those had can then be closed. The error is ctx's cause.
func (w *Watcher) AwaitReplaced(ctx context.Context) error {
	for ended := w.nextLeaving(); ended != nil; ended = w.nextLeaving() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ended:
		}
	}
	return nil
}

// nextLeaving returns the channel of one of w.leaving, or nil.
func (w *Watcher) nextLeaving() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ended := range w.leaving {
		return ended
	}
	return nil
}

// wakeRun makes Run look at the plan again.
func (w *Watcher) wakeRun() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// SetLimits changes how many streams run at once; 0 means the default.
func (w *Watcher) SetLimits(l schedule.Limits) { w.gate.SetLimits(withDefaults(l)) }

func withDefaults(l schedule.Limits) schedule.Limits {
	return schedule.Limits{
		Total:   cmp.Or(l.Total, schedule.DefaultLimits.Total),
		PerHost: cmp.Or(l.PerHost, schedule.DefaultLimits.PerHost),
	}
}
