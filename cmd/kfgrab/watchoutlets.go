package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/kfgrab/kfgrab/internal/config"
	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/sink"
	"github.com/kfgrab/kfgrab/internal/watch"
)

// outlets are the places where pictures go, and those who are told of them. Streams that
// name the same one share it, and it stays open over a change of the configuration.
type outlets struct {
	stdout io.Writer
	pipe   *os.File      // standard output, where it is one that is written to
	grace  time.Duration // of hooks, at the end
	log    *slog.Logger
	all    []*outlet
	roots  map[string]*sink.Dir // by path
	made   map[string]made      // streams, by name
}

// outlet is one of them: a sink or a hook.
type outlet struct {
	of    config.Sink
	sink  watch.Sink
	hook  watch.Hook
	close func() error
}

// made is a stream and what was made of it.
type made struct {
	of     config.Stream
	stream watch.Stream
}

func newOutlets(stdout io.Writer, grace time.Duration, log *slog.Logger) *outlets {
	return &outlets{stdout: stdout, grace: grace, log: log, roots: map[string]*sink.Dir{}, made: map[string]made{}}
}

// find returns the outlet for s, nil where there is none.
func (o *outlets) find(s *config.Sink) *outlet {
	i := slices.IndexFunc(o.all, func(known *outlet) bool { return reflect.DeepEqual(known.of, *s) })
	if i < 0 {
		return nil
	}
	return o.all[i]
}

// open opens what is not open yet: directories last, as they leave something behind.
func (o *outlets) open(streams []config.Stream) error {
	for _, directories := range []bool{false, true} {
		for s := range sinksOf(streams) {
			if o.find(s) != nil || (s.To.Dir != "") != directories {
				continue
			}
			opened := &outlet{of: *s, close: func() error { return nil }}
			if err := o.openOne(opened); err != nil {
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

func (o *outlets) openOne(to *outlet) error {
	s := &to.of
	if s.Exec != "" || s.Webhook != nil {
		return o.openHook(to)
	}
	pictures, latest, err := s.Templates()
	if err != nil {
		return usageError(err)
	}
	switch {
	case s.To.Tar:
		out, err := o.writableStdout()
		if err != nil {
			return err
		}
		archive := sink.NewTar(out, pictures)
		to.sink, to.close = archive, archive.Close
	case s.To.S3 != nil:
		store, err := sink.OpenS3(s.To.S3, &sink.S3Options{Template: pictures, Latest: latest, NoLatest: s.NoLatest, Timeout: s.Timeout})
		if err != nil {
			return usageError(err)
		}
		to.sink, to.close = store, store.Close
	default:
		root := o.roots[filepath.Clean(s.To.Dir)]
		if root == nil {
			if root, err = sink.OpenDir(s.To.Dir, nil); err != nil {
				return err
			}
			o.roots[filepath.Clean(s.To.Dir)] = root
		}
		to.sink = root.With(&sink.DirOptions{Template: pictures, Latest: latest, NoLatest: s.NoLatest})
	}
	return nil
}

// writableStdout returns standard output; where it is a pipe, writes to it end at a
// deadline.
func (o *outlets) writableStdout() (io.Writer, error) {
	f, ok := o.stdout.(*os.File)
	switch {
	case !ok:
		return o.stdout, nil
	case o.pipe != nil:
		return o.pipe, nil
	}
	if isTerminal(f) {
		return nil, usageError(errors.New("standard output is a terminal; pipe the tar stream into what reads it"))
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return f, nil // writes to files do not wait
	}
	o.pipe, err = pollable(f)
	return o.pipe, err
}

// end has writes to standard output that wait end soon: nobody may be reading.
func (o *outlets) end() {
	if o.pipe != nil {
		o.pipe.SetWriteDeadline(time.Now().Add(o.grace)) //nolint:errcheck // a pipe has one
	}
}

// openHook starts what tells of pictures, beside the grabs.
func (o *outlets) openHook(to *outlet) error {
	s := &to.of
	var tell func(context.Context, sink.Event) error
	end := func() error { return nil }
	if s.Webhook != nil {
		hook, err := sink.NewWebhook(s.Webhook.URL, &sink.WebhookOptions{Secret: s.Webhook.Secret, Header: s.Webhook.Header, Timeout: s.Timeout})
		if err != nil {
			return usageError(err)
		}
		tell, end = hook.Post, hook.Close
	} else {
		command, err := sink.NewExec(s.Exec, &sink.ExecOptions{Timeout: s.Timeout})
		if err != nil {
			return usageError(err)
		}
		tell = command.Run
	}
	queue := sink.NewQueue(tell, &sink.QueueOptions{Report: func(e sink.Event, err error) {
		if err != nil {
			o.log.Warn("hook failed", "name", e.Stream, "file", e.File, "error", neterror.OneLine(err.Error()))
		}
	}})
	to.hook = queue
	to.close = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), o.grace)
		defer cancel()
		return errors.Join(queue.Close(ctx), end())
	}
	return nil
}

// streams returns what is to be watched. The outlets are open.
func (o *outlets) streams(of []config.Stream, repeat bool) []watch.Stream {
	list, next := make([]watch.Stream, 0, len(of)), make(map[string]made, len(of))
	for i := range of {
		s := &of[i]
		m, known := o.made[s.Name]
		if !known || !m.of.Equal(s) {
			m = made{*s, o.stream(s)}
			m.stream.Repeats = repeat || s.Repeats
		}
		next[s.Name] = m
		list = append(list, m.stream)
	}
	o.made = next
	return list
}

func (o *outlets) stream(s *config.Stream) watch.Stream {
	made := watch.Stream{
		Name: s.Name, URL: s.URL, Grab: s.Options, Rule: s.Rule(), Picture: s.Picture, Timeout: s.Timeout,
	}
	if s.OnChange.Enabled {
		made.MinChange = s.OnChange.Distance
	}
	made.Picture.Software = "kfgrab " + version
	if made.Grab.UserAgent == "" {
		made.Grab.UserAgent = "kfgrab/" + version
	}
	for i := range s.Sinks {
		outlet := o.find(&s.Sinks[i])
		if outlet.hook != nil {
			made.Hooks = append(made.Hooks, outlet.hook)
			continue
		}
		made.Sinks = append(made.Sinks, outlet.sink)
		if dir, ok := outlet.sink.(*sink.Dir); ok {
			dir.Retain(s.Name, s.Retention)
		}
	}
	return made
}

// retire closes what none of the streams has any more.
func (o *outlets) retire(streams []config.Stream) error {
	used, roots := map[*outlet]bool{}, map[string]bool{}
	for s := range sinksOf(streams) {
		used[o.find(s)] = true
		roots[filepath.Clean(s.To.Dir)] = true
	}
	var unused []*outlet
	o.all = slices.DeleteFunc(o.all, func(known *outlet) bool {
		if !used[known] {
			unused = append(unused, known)
		}
		return !used[known]
	})
	failed := []error{closeTogether(unused)}
	for path, root := range o.roots {
		if !roots[path] {
			failed = append(failed, root.Close())
			delete(o.roots, path)
		}
	}
	return errors.Join(failed...)
}

// closeTogether takes as long as the slowest.
func closeTogether(list []*outlet) error {
	failed := make([]error, len(list))
	var all sync.WaitGroup
	for i, one := range list {
		all.Go(func() { failed[i] = one.close() })
	}
	all.Wait()
	return errors.Join(failed...)
}

func (o *outlets) close() error {
	err := o.retire(nil)
	if o.pipe != nil {
		err = errors.Join(err, o.pipe.Close())
	}
	return err
}

// prune deletes pictures that have grown too old.
func (o *outlets) prune(ctx context.Context) error {
	var failed []error
	for _, root := range o.roots {
		failed = append(failed, root.Prune(ctx))
	}
	return errors.Join(failed...)
}
