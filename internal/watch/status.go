package watch

import (
	"maps"
	"slices"
	"time"
)

// Status is how a stream goes, since the start of the process.
type Status struct {
	Name    string
	URL     string // without credentials
	Running bool   // or waiting for its turn
	Next    time.Time
	Last    Outcome   // of the last run, the zero value before the first
	Stored  time.Time // when the last picture that was stored was taken, zero for none
	Scene   time.Time // when its scene was, zero where the stream does not tell

	Runs, Failures int64
	InARow         int   // failures since the last run that did not fail
	Down           int64 // bytes
}

func (s *Status) addOutcome(o *Outcome) {
	s.Running, s.Last = false, *o
	s.Down += o.Cost.Down
	if o.Result == Abandoned {
		return
	}
	s.Runs++
	if o.Result == Failed {
		s.Failures++
		s.InARow++
		return
	}
	s.InARow = 0
	if o.Result == Stored {
		s.Stored, s.Scene = o.Taken, o.MediaTime
	}
}

// Totals are of all streams, those that were removed included.
type Totals struct {
	Runs, Stored, Unchanged, Failures int64
	Skipped, Missed                   int64
	Down, Up                          int64 // bytes

	// Segments is the size of the segments that keyframes were taken from, and OfSegments
	// what those grabs fetched: what is between them was saved.
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

// Saving is the share of the bytes of whole segments that was not fetched, from 0 to 1;
// false where nothing is known of segments.
func (t *Totals) Saving() (share float64, ok bool) {
	if t.Segments <= 0 {
		return 0, false
	}
	return max(0, 1-float64(t.OfSegments)/float64(t.Segments)), true
}

// Statuses returns how each stream goes, by name.
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

// Totals returns what all streams have come to.
func (w *Watcher) Totals() Totals {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.totals
}
