package main

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
	"github.com/kfgrab/kfgrab/internal/neterror"
)

// settle is how long a file is left alone before it is read: those who write it do so in
// several steps.
const settle = 200 * time.Millisecond

// reloader reads a configuration again when it has changed, or on SIGHUP.
type reloader struct {
	path   string
	beside string // a file that belongs to it; "" for none
	load   func() error
	log    *slog.Logger
	last   [2]stamp // of the files as they were read last
	hangup chan os.Signal
}

// listen keeps a SIGHUP from ending the program, and the state of the files, before they
// are read for the first time.
func (r *reloader) listen() (stop func()) {
	r.last = r.stamps()
	r.hangup = make(chan os.Signal, 1)
	signal.Notify(r.hangup, syscall.SIGHUP)
	return func() { signal.Stop(r.hangup) }
}

// run returns when ctx is done. It is behind listen.
func (r *reloader) run(ctx context.Context) {
	changed, stop := r.changes()
	defer stop()
	settled := time.NewTimer(0)
	settled.Stop()
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.hangup:
			r.reload()
		case <-changed:
			settled.Reset(settle)
		case <-settled.C:
			r.reload()
		}
	}
}

func (r *reloader) reload() {
	err := r.load()
	var several *config.Errors
	switch {
	case err == nil:
		r.log.Info("configuration read", "file", r.path)
	case errors.As(err, &several):
		for _, one := range several.List {
			r.log.Error("the configuration stays as it was", "error", one.Error())
		}
	default:
		r.log.Error("the configuration stays as it was", "error", neterror.OneLine(err.Error()))
	}
}

// changes tells of changes of the files. Their directory is what is looked at: editors put
// another file in its place, and who mounts it another directory.
func (r *reloader) changes() (changed <-chan struct{}, stop func()) {
	none := func() {}
	w, err := fsnotify.NewWatcher()
	if err == nil {
		err = watchFile(w, r.path)
	}
	if err == nil && r.beside != "" {
		err = watchFile(w, r.beside)
	}
	if err != nil {
		r.log.Warn("changes of the configuration are not seen: send SIGHUP behind them", "error", err.Error())
		if w != nil {
			w.Close()
		}
		return nil, none
	}
	told := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.pass(w, told)
	}()
	return told, func() {
		w.Close()
		<-ended
	}
}

// watchFile looks at the directory, and at where a link leads to.
func watchFile(w *fsnotify.Watcher, path string) error {
	err := w.Add(filepath.Dir(path))
	target, e := filepath.EvalSymlinks(path)
	if e != nil || filepath.Dir(target) == filepath.Dir(path) {
		return err
	}
	return errors.Join(err, w.Add(filepath.Dir(target)))
}

// pass tells of what is no mere reading, until w is closed. What happens to other files
// of the directory can change what a link leads to.
func (r *reloader) pass(w *fsnotify.Watcher, told chan<- struct{}) {
	for {
		if now := r.stamps(); now != r.last {
			r.last = now
			select {
			case told <- struct{}{}:
			default:
			}
		}
		select {
		case _, open := <-w.Events:
			if !open {
				return
			}
		case _, open := <-w.Errors: // some were lost
			if !open {
				return
			}
		}
	}
}

// stamp tells one state of the file from others.
type stamp struct {
	modified time.Time
	size     int64
	target   string
}

func (r *reloader) stamps() [2]stamp { return [2]stamp{stampOf(r.path), stampOf(r.beside)} }

func stampOf(path string) (s stamp) {
	s.target, _ = filepath.EvalSymlinks(path)
	if info, err := os.Stat(path); err == nil {
		s.modified, s.size = info.ModTime(), info.Size()
	}
	return s
}
