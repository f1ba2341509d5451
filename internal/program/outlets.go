package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab"
	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/event"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/watch"
)

// outlets are the open sinks and hooks. Streams that name the same one share it, and it
// stays open across a change of the file.
type outlets struct {
	options *Options
	pipe    *os.File // standard output, if it is a pipe and a sink
	all     []*outlet
	dirs    map[string]*sink.Dir    // by path
	streams map[string]openedStream // by name
}

// outlet is one sink or hook.
type outlet struct {
	config config.Sink
	sink   watch.Sink
	hook   watch.Hook
	close  func() error
}

// openedStream is a stream of the file, and of the watcher.
type openedStream struct {
	config config.Stream
	stream watch.Stream
}

func newOutlets(o *Options) *outlets {
	return &outlets{options: o, dirs: map[string]*sink.Dir{}, streams: map[string]openedStream{}}
}

// findOutlet returns the outlet for s, or nil.
func (o *outlets) findOutlet(s *config.Sink) *outlet {
	i := slices.IndexFunc(o.all, func(known *outlet) bool { return reflect.DeepEqual(known.config, *s) })
	if i < 0 {
		return nil
	}
	return o.all[i]
}

// openAll opens what is not open yet. Directories come last, because opening one creates it.
func (o *outlets) openAll(streams []config.Stream) error {
	for _, directories := range []bool{false, true} {
		for s := range sinksOf(streams) {
			if o.findOutlet(s) != nil || (s.To.Dir != "") != directories {
				continue
			}
			opened := &outlet{config: *s, close: func() error { return nil }}
			if err := o.openOutlet(opened); err != nil {
				return err
			}
			o.all = append(o.all, opened)
		}
	}
	return nil
}

func sinksOf(streams []config.Stream) iter.Seq[*config.Sink] {
	return func(yield func(*config.Sink) bool) {
		for i := range streams {
			for k := range streams[i].Sinks {
				if !yield(&streams[i].Sinks[k]) {
					return
				}
			}
		}
	}
}

func usageError(err error) error { return fmt.Errorf("%w: %w", kfgrab.ErrUsage, err) }

func (o *outlets) openOutlet(to *outlet) error {
	s := &to.config
	if s.Exec != "" || s.Webhook != nil {
		return o.openHook(to)
	}

	pictures, latest, err := s.Templates()
	if err != nil {
		return usageError(err)
	}
	switch {
	case s.To.Tar:
		out, err := o.openStdout()
		if err != nil {
			return err
		}
		archive := sink.NewTar(out, pictures)
		to.sink, to.close = archive, archive.Close

	case s.To.S3 != nil:
		store, err := newStore(s)
		if err != nil {
			return usageError(err)
		}
		to.sink, to.close = store, store.Close

	default:
		path := filepath.Clean(s.To.Dir)
		root := o.dirs[path]
		if root == nil {
			if root, err = sink.OpenDir(s.To.Dir, nil); err != nil {
				return err
			}
			o.dirs[path] = root
		}
		to.sink = root.With(&sink.DirOptions{Template: pictures, Latest: latest, NoLatest: s.NoLatest})
	}
	return nil
}

// openStdout returns standard output. If it is a pipe, writes to it end at a deadline.
func (o *outlets) openStdout() (io.Writer, error) {
	f, ok := o.options.Stdout.(*os.File)
	switch {
	case !ok:
		return o.options.Stdout, nil
	case o.pipe != nil:
		return o.pipe, nil
	}

	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return f, nil // a file never blocks
	}
	o.pipe, err = WithDeadlines(f)
	return o.pipe, err
}

// limitPipe gives pending writes to standard output the time of Options.Grace.
func (o *outlets) limitPipe() {
	if o.pipe != nil {
		o.pipe.SetWriteDeadline(time.Now().Add(o.options.Grace)) //nolint:errcheck // a pipe has one
	}
}

// openHook opens a queue that runs the hook beside the grabs.
func (o *outlets) openHook(to *outlet) error {
	s := &to.config
	notify, closeHook, err := newHook(s)
	if err != nil {
		return usageError(err)
	}

	queue := sink.NewQueue(notify, &sink.QueueOptions{Report: func(e event.Event, err error) {
		if err != nil {
			o.options.Logger.Warn("hook failed", "name", e.Stream, "event", e.Kind, "file", e.File, "error", neterror.OneLine(err.Error()))
		}
	}})
	to.hook = &chosenEvents{queue, s.WantedEvents()}
	to.close = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), o.options.Grace)
		defer cancel()
		return errors.Join(queue.Close(ctx), closeHook())
	}
	return nil
}

// chosenEvents is a hook that gets only some kinds of events.
type chosenEvents struct {
	watch.Hook
	kinds []event.Kind
}

// Notify passes e on if its kind was chosen.
func (c *chosenEvents) Notify(e event.Event) {
	if slices.Contains(c.kinds, e.Kind) {
		c.Hook.Notify(e)
	}
}

// watchStreams returns the streams for the watcher. Those that did not change are the same
// as before. Call open first.
func (o *outlets) watchStreams(streams []config.Stream) []watch.Stream {
	list := make([]watch.Stream, 0, len(streams))
	opened := make(map[string]openedStream, len(streams))
	for i := range streams {
		s := &streams[i]
		known, ok := o.streams[s.Name]
		if !ok || !known.config.Equal(s) {
			known = openedStream{*s, o.watchStream(s)}
		}
		opened[s.Name] = known
		list = append(list, known.stream)
	}
	o.streams = opened
	return list
}

func (o *outlets) watchStream(s *config.Stream) watch.Stream {
	w := watch.Stream{
		Name: s.Name, URL: s.URL, Grab: s.Options, Rule: s.Rule(), Picture: s.Picture, Timeout: s.Timeout,
		Repeats: o.options.Repeat || s.Repeats, Retry: s.Retry, FailingAfter: s.FailingAfter, Asked: fingerprint(s),
	}
	if s.OnChange.Enabled {
		w.MinChange = s.OnChange.Distance
	}
	w.Picture.Software = "kfgrab " + o.options.Version
	if w.Grab.UserAgent == "" {
		w.Grab.UserAgent = "kfgrab/" + o.options.Version
	}

	for i := range s.Sinks {
		outlet := o.findOutlet(&s.Sinks[i])
		if outlet.hook != nil {
			w.Hooks = append(w.Hooks, outlet.hook)
			continue
		}
		w.Sinks = append(w.Sinks, outlet.sink)
		if dir, ok := outlet.sink.(*sink.Dir); ok {
			dir.Retain(s.Name, s.Retention)
		}
	}
	return w
}

// fingerprint stands for the pictures that s asks for and the names under which it stores
// them. The state file has a hash of it.
func fingerprint(s *config.Stream) string {
	p := s.Picture
	p.Software = ""
	asked := fmt.Sprintf("%+v", p)
	for i := range s.Sinks {
		to := &s.Sinks[i]
		if to.Exec == "" && to.Webhook == nil {
			asked += fmt.Sprintf("\n%v %q %q %v %s", to.To, to.Template, to.Latest, to.NoLatest, to.Zone)
		}
	}
	return asked
}

// closeUnused closes what none of the streams uses.
func (o *outlets) closeUnused(streams []config.Stream) error {
	used, usedDirs := map[*outlet]bool{}, map[string]bool{}
	for s := range sinksOf(streams) {
		used[o.findOutlet(s)] = true
		usedDirs[filepath.Clean(s.To.Dir)] = true
	}

	var unused []*outlet
	o.all = slices.DeleteFunc(o.all, func(known *outlet) bool {
		if !used[known] {
			unused = append(unused, known)
		}
		return !used[known]
	})
	failed := []error{closeTogether(unused)}
	for path, dir := range o.dirs {
		if !usedDirs[path] {
			failed = append(failed, dir.Close())
			delete(o.dirs, path)
		}
	}
	return errors.Join(failed...)
}

// closeTogether closes all at the same time, so that it takes as long as the slowest.
func closeTogether(list []*outlet) error {
	failed := make([]error, len(list))
	var all sync.WaitGroup
	for i, one := range list {
		all.Go(func() { failed[i] = one.close() })
	}
	all.Wait()
	return errors.Join(failed...)
}

func (o *outlets) closeAll() error {
	err := o.closeUnused(nil)
	if o.pipe != nil {
		err = errors.Join(err, o.pipe.Close())
	}
	return err
}

// pruneDirs deletes pictures that have grown too old.
func (o *outlets) pruneDirs(ctx context.Context) error {
	var failed []error
	for _, dir := range o.dirs {
		failed = append(failed, dir.Prune(ctx))
	}
	return errors.Join(failed...)
}
