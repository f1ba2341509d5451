package program

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/filestamp"
	"github.com/kfgrab/kfgrab/internal/neterror"
)

// settleTime is how long a file must stay unchanged before it is read: programs write in
// several steps.
const settleTime = 200 * time.Millisecond

// Reloader calls Load when a configuration has changed, and on SIGHUP. Set Path, and Other
// if there is a second file, before Listen; set Load and Logger before Run.
type Reloader struct {
	Path   string
	Other  string
	Load   func() error
	Logger *slog.Logger

	last   [2]filestamp.Stamp // when the files were last read
	hangup chan os.Signal
}

// Listen makes SIGHUP harmless and remembers the state of the files. Call it before they
// are read for the first time.
func (r *Reloader) Listen() (stop func()) {
	r.last = r.stampFiles()
	r.hangup = make(chan os.Signal, 1)
	signal.Notify(r.hangup, syscall.SIGHUP)
	return func() { signal.Stop(r.hangup) }
}

// Run returns when ctx is done. Call Listen first.
func (r *Reloader) Run(ctx context.Context) {
	changed, stop := r.watchFiles()
	defer stop()
	settled := time.NewTimer(0)
	settled.Stop()
	defer settled.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-r.hangup:
			r.loadAgain()
		case <-changed:
			settled.Reset(settleTime)
		case <-settled.C:
			r.loadAgain()
		}
	}
}

func (r *Reloader) loadAgain() {
	err := r.Load()
	var several *config.Errors
	switch {
	case err == nil:
		r.Logger.Info("configuration read", "file", r.Path)
	case errors.As(err, &several):
		for _, one := range several.List {
			r.Logger.Error("the configuration stays as it was", "error", one.Error())
		}
	default:
		r.Logger.Error("the configuration stays as it was", "error", neterror.OneLine(err.Error()))
	}
}

// watchFiles reports changes of the files. It watches their directories: editors replace
// the file, and mounts replace a directory.
func (r *Reloader) watchFiles() (changed <-chan struct{}, stop func()) {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		err = watchDirectory(w, r.Path)
	}
	if err == nil && r.Other != "" {
		err = watchDirectory(w, r.Other)
	}
	if err != nil {
		r.Logger.Warn("cannot watch the configuration: send SIGHUP after a change", "error", err.Error())
		if w != nil {
			w.Close()
		}
		return nil, func() {}
	}

	changes, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		r.reportChanges(w, changes)
	}()
	return changes, func() {
		w.Close()
		<-ended
	}
}

// watchDirectory watches the directory of a file, and that of the target if the file is a
// link.
func watchDirectory(w *fsnotify.Watcher, path string) error {
	err := w.Add(filepath.Dir(path))
	target, e := filepath.EvalSymlinks(path)
	if e != nil || filepath.Dir(target) == filepath.Dir(path) {
		return err
	}
	return errors.Join(err, w.Add(filepath.Dir(target)))
}

// reportChanges compares the files after every event until w is closed. Events of other
// files count: one of them may change where a link leads to.
func (r *Reloader) reportChanges(w *fsnotify.Watcher, changes chan<- struct{}) {
	for {
		if now := r.stampFiles(); now != r.last {
			r.last = now
			select {
			case changes <- struct{}{}:
			default:
			}
		}

		open := true
		select {
		case _, open = <-w.Events:
		case _, open = <-w.Errors: // some events were lost
		}
		if !open {
			return
		}
	}
}

func (r *Reloader) stampFiles() [2]filestamp.Stamp {
	return [2]filestamp.Stamp{filestamp.Of(r.Path), filestamp.Of(r.Other)}
}
