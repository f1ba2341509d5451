package watch

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/kfgrab/kfgrab/internal/event"
)

// heard is a hook that keeps the events that are not pictures.
type heard chan event.Event

func (h heard) Notify(e event.Event) {
	if e.Kind != event.Picture {
		h <- e
	}
}

func (h heard) next(t *testing.T) event.Event {
	t.Helper()
	select {
	case e := <-h:
		return e
	case <-time.After(deadline):
		t.Fatal("no event")
		return event.Event{}
	}
}

// A stream that fails several times in a row is reported once, and once more when it is
// back, even if the program restarts in between.
func TestOutageIsReported(t *testing.T) {
	t.Parallel()
	s, hook := newSwitchable(t), make(heard, 1000)
	state := filepath.Join(t.TempDir(), "state")
	cam := stream("cam", s.URL+"/index.m3u8", newAlbum())
	cam.Repeats, cam.FailingAfter, cam.Hooks = true, 2, []Hook{hook}
	watch := func() (log *logbook, stop func()) {
		log = newLogbook()
		w := newWatcher(t, &Options{State: state, Logger: log.logger()}, cam)
		end := run(t, w)
		return log, func() {
			end()
			w.Close()
		}
	}

	s.down.Store(true)
	log, stop := watch()
	failing := hook.next(t)
	log.await(t, 1, "level=WARN", "msg=failing", "name=cam", "failures=2", "class=network", "since=", "error=")
	stop()
	if failing.Kind != event.Failing || failing.Stream != "cam" || failing.URL != s.URL+"/index.m3u8" || failing.Failures != 2 || failing.Class != "network" || failing.Reason == "" || failing.Since.After(failing.Time) {
		t.Errorf("%+v", failing)
	}

	log, stop = watch()
	log.await(t, 2, "name=cam", "outcome=network")
	s.down.Store(false)
	recovered := hook.next(t)
	log.await(t, 1, "level=INFO", "msg=recovered", "name=cam")
	log.await(t, 2, "name=cam", "outcome=ok")
	stop()
	if recovered.Kind != event.Recovered || !recovered.Since.Equal(failing.Since) || recovered.Failures < 4 || recovered.Reason == "" {
		t.Errorf("%+v after %+v", recovered, failing)
	}
	if len(hook) > 0 {
		t.Errorf("%+v", <-hook)
	}
}
