package watch

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/neterror"
)

// noteOutage counts the outcome of a run that was not abandoned. It returns the event if
// the stream now fails or has recovered, else nil.
func (s *watched) noteOutage(now time.Time, o *Outcome) *event.Event {
	var e event.Event
	var changed bool
	if o.Result == Failed {
		reason := strings.TrimPrefix(neterror.OneLine(o.Err.Error()), s.status.URL+": ")
		e, changed = s.status.Outage.AddFailure(now, o.Class().String(), neterror.Line(reason), s.FailingAfter)
	} else {
		e, changed = s.status.Outage.AddSuccess(now)
	}
	if !changed {
		return nil
	}
	e.Stream, e.URL = s.Name, s.status.URL
	return &e
}

// logChange writes the line of a stream that fails or has recovered.
func logChange(ctx context.Context, l *slog.Logger, e *event.Event) {
	level := slog.LevelInfo
	if e.Kind == event.Failing {
		level = slog.LevelWarn
	}
	l.LogAttrs(ctx, level, string(e.Kind), slog.String("name", e.Stream), slog.Time("since", e.Since),
		slog.Int("failures", e.Failures), slog.String("class", e.Class), slog.String("error", e.Reason))
}

func (s *watched) notifyHooks(e event.Event) {
	for _, hook := range s.Hooks {
		hook.Notify(e)
	}
}
