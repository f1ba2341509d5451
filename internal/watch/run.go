package watch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/schedule"
)

// errStopped is the cause of an abandoned run.
var errStopped = errors.New("stopped")

// Run watches until ctx is done. Running grabs then have Options.Grace to end, and all
// have ended when Run returns. Only one Run or Once at a time is allowed.
func (w *Watcher) Run(ctx context.Context) {
	running, wait := w.runContext(ctx)
	defer wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(w.startDue(ctx, running))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-w.wake:
		}
	}
}

// Once grabs one picture of each stream, whatever its rule, and returns the outcomes in
// the order of names. When ctx is done, it does as Run does.
func (w *Watcher) Once(ctx context.Context) []Outcome {
	running, wait := w.runContext(ctx)
	w.mu.Lock()
	outcomes := make([]Outcome, len(w.watched))
	for i, name := range slices.Sorted(maps.Keys(w.watched)) {
		w.startRun(ctx, running, w.watched[name], schedule.Run{Name: name}, &outcomes[i])
	}
	w.mu.Unlock()
	wait()
	return outcomes
}

// runContext returns the context of runs, which outlives ctx by Options.Grace, and a
// function that waits for the runs.
func (w *Watcher) runContext(ctx context.Context) (running context.Context, wait func()) {
	running, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	late := make(chan *time.Timer, 1)
	stop := context.AfterFunc(ctx, func() {
		late <- time.AfterFunc(w.opt.Grace, func() { abandon(errStopped) })
	})
	return running, func() {
		w.runs.Wait()
		if !stop() {
			(<-late).Stop()
		}
		abandon(errStopped)
	}
}

// startDue starts the runs that are due and returns the time until the next.
func (w *Watcher) startDue(ctx, running context.Context) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, run := range w.plan.Due(w.now()) {
		w.startRun(ctx, running, w.watched[run.Name], run, new(Outcome))
	}
	return w.plan.Wait(w.now())
}

// startRun starts one run.
func (w *Watcher) startRun(ctx, running context.Context, s *watched, run schedule.Run, o *Outcome) {
	*o = Outcome{Name: run.Name, Due: run.Due, Missed: run.Missed}
	s.busy = true
	s.status.Running = true
	failing := s.status.Outage.Failures > 0
	w.runs.Go(func() {
		w.doRun(ctx, running, s, o, failing)
		change := w.endRun(s, o)
		o.logTo(running, w.log)
		if change != nil {
			logChange(running, w.log, change)
			s.notifyHooks(*change)
		}
	})
}

// doRun grabs a picture as soon as the gate lets it. It stores the picture after it has
// left the gate, so that a slow sink delays no grabs.
func (w *Watcher) doRun(ctx, running context.Context, s *watched, o *Outcome, failing bool) {
	leave, err := w.gate.Enter(ctx, schedule.HostOf(s.URL), failing)
	if err != nil {
		o.Result, o.Err = Abandoned, err
		return
	}
	shot := s.captureShot(running, o)
	leave()
	if shot == nil {
		s.finishRun(running, o)
		return
	}

	disclaim := w.claimFrame(s, o, shot.id)
	s.storeShot(running, shot, o)
	s.finishRun(running, o)
	if o.Result == Abandoned {
		disclaim()
	}
}

// claimFrame records a picture as stored before it is: if the process ends before the
// run does, the picture is not captured twice. disclaim undoes that.
func (w *Watcher) claimFrame(s *watched, o *Outcome, id string) (disclaim func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.journal.recordOf(s.Name)
	w.saveRecord(w.newRecord(s, o, id))
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.saveRecord(before)
	}
}

// newRecord returns the record of a run. Runs of Once do not change the schedule.
func (w *Watcher) newRecord(s *watched, o *Outcome, id string) record {
	rec := w.journal.recordOf(s.Name)
	rec.Keyframe = id
	rec.Outage = s.status.Outage
	if o.Due.IsZero() {
		rec.Started = o.Began
	} else {
		rec.State = w.plan.State(s.Name)
	}
	return rec
}

// endRun records the end of a run. An abandoned run is due again at the next start. endRun
// returns the event if the stream now fails or has recovered.
func (w *Watcher) endRun(s *watched, o *Outcome) (change *event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.busy = false
	if o.Result != Abandoned {
		if !o.Due.IsZero() {
			o.Skipped = w.plan.Done(w.now(), s.Name, o.Result != Failed)
		}
		change = s.noteOutage(w.now(), o)
		w.saveRecord(w.newRecord(s, o, s.last))
	}

	s.status.addOutcome(o)
	w.totals.addOutcome(o)
	if s.gone {
		s.closeSource()
		close(w.leaving[s])
		delete(w.leaving, s)
	}
	w.wakeRun()
	return change
}

// saveRecord writes to the journal. It logs the first of several failures.
func (w *Watcher) saveRecord(rec record) {
	if err := w.journal.saveRecords(rec); err != nil {
		w.log.Warn("cannot save the state: a restart may store pictures twice", "error", err.Error())
	}
}

// Close closes all connections and decoders. Call it after Run and Once have returned.
func (w *Watcher) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.watched {
		s.closeSource()
	}
	clear(w.watched)
	return errors.Join(w.pool.Close(), w.journal.releaseLock())
}
