package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/decode"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// DefaultGrace is less than a supervisor leaves before it kills.
const DefaultGrace = 5 * time.Second

// Options are the settings of a Watcher. The zero value works.
type Options struct {
	Limits schedule.Limits // 0 stands for that of schedule.DefaultLimits
	// Grace is what runs that are under way have at the end of Run.
	Grace time.Duration
	// State is the path of a file that keeps what is worth it over a restart; "" for
	// none. It is for one Watcher at a time.
	State   string
	Decoder decode.Decoder // which ffmpeg to run
	// Decoders bounds how many of them there are; 0 is the number of processors.
	Decoders int
	// Logger gets a line a grab, at the level of a warning where it failed. May be nil.
	Logger *slog.Logger
}

// Watcher watches many streams. Its methods are safe for concurrent use.
type Watcher struct {
	opt  Options
	pool decode.Pool
	gate *schedule.Gate
	log  *slog.Logger
	now  func() time.Time
	wake chan struct{} // the plan has changed
	runs sync.WaitGroup

	mu      sync.Mutex
	plan    schedule.Schedule
	watched map[string]*watched
	// leaving are the streams that are gone and still run, each with what tells of its end.
	leaving map[*watched]chan struct{}
	journal *journal
	totals  Totals
}

// watched is a stream, and how it goes.
type watched struct {
	*engine
	status *Status // shared with the one that it has replaced, as long as that runs
	busy   bool
	gone   bool // removed or replaced
}

// New reads the state and starts nothing. The error is of the state's file.
func New(o *Options) (*Watcher, error) {
	w := &Watcher{now: time.Now, wake: make(chan struct{}, 1), watched: map[string]*watched{}, leaving: map[*watched]chan struct{}{}}
	if o != nil {
		w.opt = *o
	}
	w.opt.Grace = cmp.Or(w.opt.Grace, DefaultGrace)
	if w.log = w.opt.Logger; w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.pool.Decoder, w.pool.Size = w.opt.Decoder, w.opt.Decoders
	w.gate = schedule.NewGate(withDefaults(w.opt.Limits))
	if w.opt.State != "" {
		var err error
		if w.journal, err = openJournal(w.opt.State, w.now()); err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
	}
	return w, nil
}

// Set has these streams watched, and no others: it adds, changes and removes. A stream
// that stays as it is keeps its connection and its place in the schedule, one that changes
// in nothing but its rule its connection; a run that is under way goes on, with the sinks and
// hooks that it has: AwaitReplaced tells when they can be closed. Where something makes no
// sense, nothing is changed; the error wraps kfgrab.ErrUsage or names the stream.
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
			return fmt.Errorf("stream %q: %w", s.Name, err) // prepare has looked
		}
		switch {
		case old == nil:
			w.log.Info("added", "name", s.Name, "url", added.status.URL, "rule", s.Rule.String())
		case old != added:
			old.status.URL, added.status = added.status.URL, old.status
			w.log.Info("changed", "name", s.Name, "url", added.status.URL, "rule", s.Rule.String())
		}
	}
	w.watched = next
	w.wakeRun()
	return nil
}

// prepareStreams makes what is new, and keeps what is not.
func (w *Watcher) prepareStreams(streams []Stream) (map[string]*watched, error) {
	next := make(map[string]*watched, len(streams))
	for _, s := range streams {
		switch {
		case s.Name == "":
			return nil, errors.New("a stream without a name")
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
		e, err := newEngine(s, &w.pool, w.journal.recordOf(s.Name).Keyframe)
		if err != nil {
			return nil, err
		}
		next[s.Name] = &watched{engine: e, status: &Status{Name: s.Name, URL: e.source.URL()}}
	}
	return next, nil
}

// isSame says whether a stream is watched as s wants it, but for the times. Others may be
// at work in sinks and hooks: they are not looked into.
func (e *engine) isSame(s Stream) bool {
	if !slices.EqualFunc(e.Sinks, s.Sinks, isIdentical[Sink]) || !slices.EqualFunc(e.Hooks, s.Hooks, isIdentical[Hook]) {
		return false
	}
	s.Rule, s.Sinks, s.Hooks = e.Rule, e.Sinks, e.Hooks
	return reflect.DeepEqual(e.Stream, s)
}

// isIdentical is a == b, and false for what Go cannot compare.
func isIdentical[T any](a, b T) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && any(a) == any(b)
}

// retireStream closes a stream, at the end of its run where there is one.
func (w *Watcher) retireStream(s *watched) {
	if s.gone = true; s.busy {
		w.leaving[s] = make(chan struct{})
		return
	}
	s.closeSource()
}

// AwaitReplaced returns when no stream runs any more that Set has changed or removed: the
// sinks and hooks that only those had can then be closed. The error is that of ctx.
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

// nextLeaving is closed at the end of one of those that are leaving; nil where none is.
func (w *Watcher) nextLeaving() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ended := range w.leaving {
		return ended
	}
	return nil
}

// wakeRun has Run look at the plan.
func (w *Watcher) wakeRun() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// SetLimits changes how many streams are at work at once; 0 stands for the default.
func (w *Watcher) SetLimits(l schedule.Limits) { w.gate.SetLimits(withDefaults(l)) }

func withDefaults(l schedule.Limits) schedule.Limits {
	return schedule.Limits{Total: cmp.Or(l.Total, schedule.DefaultLimits.Total), PerHost: cmp.Or(l.PerHost, schedule.DefaultLimits.PerHost)}
}
